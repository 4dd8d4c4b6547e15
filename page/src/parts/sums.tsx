/** A sum of results as a cell: what is unexpected stands out by shape and colour, what is known stays quiet. */

import type { Sum } from "../data/cells";
import { first } from "../view/state";
import { count } from "../view/numbers";
import type { View } from "../view/address";
import type { GridCell } from "./grid";

const name = (place: number): string => first.words.outcomes[place]?.name ?? "";

/** `2 failed, the worst divergent; 5 expected; 40 agree`. */
export function inWords(sum: Sum): string {
  const parts = [];
  if (sum.failed) parts.push(`${count(sum.failed)} failed, the worst ${name(sum.worstFailed)}`);
  if (sum.expected) parts.push(`${count(sum.expected)} deviate as expected`);
  if (sum.passed) parts.push(`${count(sum.passed)} agree${sum.drift ? `, ${count(sum.drift)} with drift` : ""}`);
  return parts.join("; ");
}

export function sumCell(sum: Sum | undefined, where: string, to?: View): GridCell | null {
  if (!sum?.total) return null;
  const words = `${where}: ${inWords(sum)}`;
  if (sum.failed) {
    const content = (
      <>
        <b>{"\u2717"} {name(sum.worstFailed)}</b> <small>{count(sum.failed)} of {count(sum.total)}</small>
      </>
    );
    return { tone: `failed o-${name(sum.worstFailed)}`, content, words, to };
  }
  if (sum.expected) {
    const content = (
      <>
        <i>{"\u25c7"}</i> <small>{count(sum.expected)} of {count(sum.total)}</small>
      </>
    );
    return { tone: sum.passed ? "known" : "known all", content, words, to };
  }
  return { tone: sum.drift ? "good drift" : "good", content: <small>{"\u2713"} {count(sum.total)}</small>, words, to };
}
