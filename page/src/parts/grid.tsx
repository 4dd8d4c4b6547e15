/**
 * A matrix with headings and row names that stay, groups of rows that fold, and one tab stop: arrow keys move within,
 * Enter opens the cell.
 */

import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { go, type View } from "../view/address";
import { clean } from "../view/numbers";
import { Said } from "./bits";

export interface GridLine {
  readonly id: string;
  readonly label: ComponentChildren;
  readonly title?: string;
  readonly group?: string;
  readonly to?: View;
}

export interface GridCell {
  readonly tone: string;
  readonly content: ComponentChildren;
  /** What the cell says in words, for its tooltip and for readers of the screen. */
  readonly words: string;
  readonly to?: View;
}

interface Props {
  readonly caption: string;
  readonly corner: ComponentChildren;
  readonly rows: readonly GridLine[];
  readonly columns: readonly GridLine[];
  readonly cell: (row: GridLine, column: GridLine) => GridCell | null;
  /** The sum of a group in a column. */
  readonly sum?: (group: string, column: GridLine) => GridCell | null;
  readonly folded?: readonly string[];
  readonly onFold?: (group: string) => void;
  readonly class?: string;
}

export function Grid(props: Props) {
  const box = useRef<HTMLTableElement>(null);
  useEffect(() => {
    const table = box.current;
    if (table && !table.querySelector('[tabindex="0"]')) table.querySelector<HTMLElement>("[data-at]")?.setAttribute("tabindex", "0");
  });
  const targets = new Map<string, View>();
  const lines: ComponentChildren[] = [];
  let number = 0;
  const add = (key: string, name: ComponentChildren, cells: readonly (GridCell | null)[], options: { class?: string; fold?: string; to?: View; title?: string; within?: boolean }) => {
    const at = number;
    number += 1;
    if (options.to) targets.set(`${at}:0`, options.to);
    lines.push(
      <tr key={key} class={options.class}>
        <th scope="row" role="rowheader" class={options.within ? "within" : undefined} data-at={`${at}:0`} data-fold={options.fold} tabIndex={-1} title={options.title} aria-expanded={options.fold === undefined ? undefined : !props.folded?.includes(options.fold)}>
          {name}
        </th>
        {cells.map((cell, place) => {
          if (cell?.to) targets.set(`${at}:${place + 1}`, cell.to);
          return (
            <td key={place} role="gridcell" data-at={`${at}:${place + 1}`} tabIndex={-1} class={`tone-${cell?.tone ?? "none"}${cell?.to ? " open" : ""}`} title={cell ? clean(cell.words) : undefined} aria-label={clean(cell?.words ?? "nothing")}>
              {cell?.content ?? "\u00b7"}
            </td>
          );
        })}
      </tr>,
    );
  };
  let group: string | undefined;
  const sizes = new Map<string, number>();
  for (const row of props.rows) if (row.group !== undefined) sizes.set(row.group, (sizes.get(row.group) ?? 0) + 1);
  for (const row of props.rows) {
    const begins = row.group !== group;
    group = row.group;
    if (begins && row.group !== undefined) {
      const name = row.group;
      const closed = props.folded?.includes(name);
      const label = (
        <>
          <i aria-hidden="true">{closed ? "\u25b8" : "\u25be"}</i> <Said text={name} /> <small>{sizes.get(name)}</small>
        </>
      );
      add(`group ${name}`, label, props.columns.map((column) => props.sum?.(name, column) ?? null), { class: "group", fold: name });
    }
    if (row.group !== undefined && props.folded?.includes(row.group)) continue;
    add(row.id, row.label, props.columns.map((column) => props.cell(row, column)), { to: row.to, title: row.title, within: row.group !== undefined });
  }

  const open = (node: HTMLElement) => {
    const to = targets.get(node.dataset.at!);
    if (node.dataset.fold !== undefined) props.onFold?.(node.dataset.fold);
    else if (to) {
      go(to);
      scrollTo(0, 0);
    }
  };
  const focus = (node: HTMLElement) => {
    box.current?.querySelectorAll('[tabindex="0"]').forEach((other) => other.setAttribute("tabindex", "-1"));
    node.setAttribute("tabindex", "0");
    node.focus();
  };
  const press = (event: KeyboardEvent) => {
    const node = (event.target as HTMLElement).closest<HTMLElement>("[data-at]");
    if (!node) return;
    const [row, column] = node.dataset.at!.split(":").map(Number);
    const steps: Readonly<Record<string, readonly [number, number]>> = {
      ArrowUp: [row - 1, column],
      ArrowDown: [row + 1, column],
      ArrowLeft: [row, column - 1],
      ArrowRight: [row, column + 1],
      Home: [event.ctrlKey ? 0 : row, 0],
      End: [event.ctrlKey ? number - 1 : row, props.columns.length],
      PageUp: [Math.max(0, row - 20), column],
      PageDown: [Math.min(number - 1, row + 20), column],
    };
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      open(node);
    } else if (event.key in steps) {
      event.preventDefault();
      const next = box.current?.querySelector<HTMLElement>(`[data-at="${steps[event.key].join(":")}"]`);
      if (next) focus(next);
    }
  };
  const click = (event: MouseEvent) => {
    const node = (event.target as HTMLElement).closest<HTMLElement>("[data-at]");
    if (node) open(node);
  };
  return (
    <div class="gridbox">
      <table role="grid" class={`grid ${props.class ?? ""}`} aria-label={props.caption} ref={box} onKeyDown={press} onClick={click}>
        <thead>
          <tr>
            <th scope="col" class="corner">
              {props.corner}
            </th>
            {props.columns.map((column) => (
              <th scope="col" key={column.id} title={column.title && clean(column.title)}>
                <span>{column.label}</span>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{lines}</tbody>
      </table>
    </div>
  );
}
