/** Small parts that many screens share. */

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { address, go, type View } from "../view/address";
import { clean } from "../view/numbers";

/** A link to another view of this page: a click changes the view, and it can be copied or opened in a tab. */
export function To(props: { readonly view: View; readonly class?: string; readonly title?: string; readonly current?: boolean; readonly tab?: number; readonly children: ComponentChildren }) {
  const follow = (event: MouseEvent) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    go(props.view);
    scrollTo(0, 0);
  };
  return (
    <a href={address(props.view)} tabIndex={props.tab} class={props.class} title={props.title && clean(props.title)} aria-current={props.current ? "page" : undefined} onClick={follow}>
      {props.children}
    </a>
  );
}

/** Text from a file: without escapes of a terminal, and unable to turn the direction of its neighbours. */
export const Said = ({ text, class: name }: { readonly text: string; readonly class?: string }) => <bdi class={name}>{clean(text)}</bdi>;

/** A sentence of ours, whose commands stand in backticks. */
export const Sentence = ({ text }: { readonly text: string }) => (
  <>{text.split("`").map((part, place) => (place % 2 ? <code key={place}><Said text={part} /></code> : <Said key={place} text={part} />))}</>
);

const SIGNS: Readonly<Record<string, string>> = { failed: "\u2717", expected: "\u25c7", passed: "\u2713" };

/** A judgement by shape, colour and word. */
export const Judged = ({ name }: { readonly name: string }) => (
  <span class={`judged j-${name}`}>
    <i aria-hidden="true">{SIGNS[name]}</i> {name}
  </span>
);

export const sign = (judgement: string): string => SIGNS[judgement] ?? "";

export const Outcome = ({ name }: { readonly name: string }) => (name ? <span class={`badge o-${name}`}>{name}</span> : null);

/** Copies text; where the browser does not allow it, selects it for the reader. */
export function Copy({ text, label }: { readonly text: () => string; readonly label: string }) {
  const [said, say] = useState("");
  const copy = async () => {
    const done = await write(text());
    say(done ? "Copied" : "Press Ctrl+C");
    setTimeout(() => say(""), 1500);
  };
  return (
    <button type="button" class="small" onClick={copy}>
      <span aria-live="polite">{said || label}</span>
    </button>
  );
}

async function write(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "away";
    document.body.append(area);
    area.select();
    const worked = document.execCommand("copy");
    area.remove();
    return worked;
  }
}

export const CopyLink = () => <Copy text={() => location.href} label="Copy link" />;

/** A link out of the page, only where it is a web address. */
export const Out = ({ link, children }: { readonly link: string | null; readonly children: ComponentChildren }) =>
  link && /^https?:\/\//.test(link) ? (
    <a href={link} rel="noreferrer noopener" target="_blank">
      {children}
    </a>
  ) : null;

export function download(name: string, content: string, type = "text/plain"): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([content], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
