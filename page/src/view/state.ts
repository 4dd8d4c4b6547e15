/** What all parts of the page share: the first screen's data, the index once it is open, and what the filters show. */

import { computed, signal } from "@preact/signals";
import { block, plainBlock } from "../data/blocks";
import { Index } from "../data/index";
import { shown, type Wish } from "../data/filter";
import type { First, RawIndex } from "../data/types";
import { view } from "./address";

export const first = plainBlock<First>("first");
/** How the verdict looks: a run that goes on is not bad, as long as nothing has failed. */
export const tone = (): "good" | "bad" | "known" =>
  first.good ? "good" : first.running && !first.judgements.failed ? "known" : "bad";
export const index = signal<Index | null>(null);
export const trouble = signal("");
/** Milliseconds of the last filter, which tests read. */
export const took = signal(0);

const wish = computed<Wish>(
  () => ({ chosen: view.value.chosen, having: view.value.having, text: view.value.text }),
);
let lastWish = "";
let lastShown: ReturnType<typeof shown> | null = null;

/** The results that the filters show; null while the index is not open. */
export const hits = computed(() => {
  const open = index.value;
  if (!open) return null;
  const key = JSON.stringify(wish.value);
  if (key === lastWish && lastShown) return lastShown;
  const start = performance.now();
  lastWish = key;
  lastShown = shown(open, wish.value);
  took.value = performance.now() - start;
  return lastShown;
});

export async function open(): Promise<void> {
  try {
    if (first.kind === "matrix") return;
    const known = new Index(await block<RawIndex>("index"), first);
    index.value = known;
    requestIdleCallback(() => known.texts); // so that the first letter of a search need not wait
  } catch (error) {
    trouble.value = `The results could not be read (${error}). This page needs a browser of 2023 or later.`;
  }
}
