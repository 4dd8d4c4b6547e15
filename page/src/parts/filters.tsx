/** Search and menus: each choice says how many results it would show. */

import { useEffect, useRef, useState } from "preact/hooks";
import { FACETS, type Facet } from "../data/filter";
import { go, START, view } from "../view/address";
import { count, many, plain } from "../view/numbers";
import { hits, index } from "../view/state";
import { CopyLink, Said } from "./bits";

const NAMES: Readonly<Record<Facet, string>> = {
  judgement: "Judgement",
  outcome: "Outcome",
  answer: "Beside the record",
  layer: "Layer",
  route: "Route",
  blame: "Blame",
  profile: "Inputs",
  dialect: "Source",
  defect: "Defect",
};
/** Choices from which on a menu has a field to search it. */
const LONG = 12;

export function Filters() {
  const now = view.value;
  const found = hits.value;
  const any = Object.values(now.chosen).some((names) => names.length) || now.having.length || now.text;
  return (
    <section class="filters" aria-label="Filters">
      <div class="row">
        <label class="search">
          <span class="away">Search layers, settings, routes, outcomes and messages</span>
          <input
            type="search"
            id="search"
            placeholder="Search words  ( / )"
            title="All words must occur: in the case, its layer and settings, its message, route, outcome, judgement or blame"
            value={now.text}
            autocomplete="off"
            spellcheck={false}
            onInput={(event) => go({ text: event.currentTarget.value }, { quiet: true })}
          />
        </label>
        {FACETS.map((facet) => (
          <Menu key={facet} facet={facet} />
        ))}
      </div>
      <div class="row chips">
        <p role="status" aria-live="polite" class="count">
          {found ? `${count(found.rows.length)} of ${many(index.value!.count, "result")}, ${many(found.cases, "case")}` : "Reading the results"}
        </p>
        {FACETS.flatMap((facet) =>
          (now.chosen[facet] ?? []).map((name) => (
            <button type="button" class="chip" key={`${facet} ${name}`} onClick={() => toggle(facet, name)}>
              <span>{NAMES[facet]}:</span> <Said text={name} /> <i aria-hidden="true">{"\u2715"}</i>
              <span class="away">remove</span>
            </button>
          )),
        )}
        {now.having.map((text) => (
          <button type="button" class="chip" key={text} onClick={() => go({ having: now.having.filter((other) => other !== text) })}>
            <Said text={setting(text)} /> <i aria-hidden="true">{"\u2715"}</i>
            <span class="away">remove</span>
          </button>
        ))}
        {any ? (
          <button type="button" class="small" onClick={() => go({ chosen: {}, having: [], text: "" })}>
            Clear
          </button>
        ) : null}
        <CopyLink />
      </div>
    </section>
  );
}

const setting = (text: string): string => {
  const at = text.indexOf("=");
  return `${text.slice(0, at)} = ${plain(text.slice(at + 1))}`;
};

function toggle(facet: Facet, name: string): void {
  const chosen = view.value.chosen[facet] ?? [];
  const next = chosen.includes(name) ? chosen.filter((other) => other !== name) : [...chosen, name];
  const { [facet]: _, ...rest } = view.value.chosen;
  go({ chosen: next.length ? { ...rest, [facet]: next } : rest });
}

function Menu({ facet }: { readonly facet: Facet }) {
  const [open, setOpen] = useState(false);
  const [text, setText] = useState("");
  const box = useRef<HTMLDivElement>(null);
  const chosen = view.value.chosen[facet] ?? START.folded;
  useEffect(() => {
    if (!open) return undefined;
    const close = (event: Event) => {
      if (!box.current?.contains(event.target as Node)) setOpen(false);
    };
    addEventListener("pointerdown", close);
    addEventListener("focusin", close);
    return () => {
      removeEventListener("pointerdown", close);
      removeEventListener("focusin", close);
    };
  }, [open]);
  const counts = hits.value?.counts[facet];
  const choices = open && counts ? [...counts].filter(([name, of]) => of || chosen.includes(name)) : [];
  const long = choices.length > LONG;
  const listed = choices.filter(([name]) => name.toLowerCase().includes(text.toLowerCase())).slice(0, 300);
  const escape = (event: KeyboardEvent) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    setOpen(false);
    box.current?.querySelector("button")?.focus();
  };
  return (
    <div class="menu" ref={box} onKeyDown={escape}>
      <button type="button" aria-expanded={open} aria-haspopup="true" class={chosen.length ? "on" : ""} onClick={() => setOpen(!open)}>
        {NAMES[facet]}
        {chosen.length ? ` (${chosen.length})` : ""} <i aria-hidden="true">{"\u25be"}</i>
      </button>
      {open ? (
        <div class="panel" role="group" aria-label={NAMES[facet]}>
          {long || text ? (
            <input type="search" aria-label={`Search ${NAMES[facet]}`} value={text} onInput={(event) => setText(event.currentTarget.value)} />
          ) : null}
          {listed.map(([name, of]) => (
            <label key={name}>
              <input type="checkbox" checked={chosen.includes(name)} onChange={() => toggle(facet, name)} />
              <Said text={facet === "defect" ? defectName(name) : name} />
              <small>{count(of)}</small>
            </label>
          ))}
          {listed.length ? null : <p class="quiet">Nothing to choose.</p>}
        </div>
      ) : null}
    </div>
  );
}

function defectName(place: string): string {
  const defect = index.value?.defect(Number(place));
  return defect ? `${place} ${defect.hop} ${defect.outcome}` : place;
}
