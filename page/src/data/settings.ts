/** The settings of cases: which separate, which pairs of values occur, which agreeing case is nearest. */

import { add, nothing, type Sum } from "./cells";
import type { Index, Setting } from "./index";

/** Names of axes in a condition also speak of "largest of kernel", and of settings within settings. */
export const settingOf = (axis: string): string => axis.replace(/^largest of /, "");

export interface Neighbour {
  readonly row: number;
  readonly differs: readonly { readonly key: string; readonly here: string; readonly there: string }[];
}

/** The case of the same layer that agrees on the same route and differs in the fewest settings; null without one. */
export function nearestAgreeing(index: Index, row: number): Neighbour | null {
  const { raw } = index;
  const here = new Map(index.settings(raw.results.case[row]).map(({ key, value }) => [key, value]));
  let best: Neighbour | null = null;
  for (let other = 0; other < index.count; other += 1) {
    if (index.layerOf[other] !== index.layerOf[row] || raw.results.route[other] !== raw.results.route[row]) continue;
    if (!index.passes(other)) continue;
    const differs = difference(here, index.settings(raw.results.case[other]));
    if (!best || differs.length < best.differs.length) best = { row: other, differs };
  }
  return best;
}

function difference(here: ReadonlyMap<string, string>, there: readonly Setting[]): Neighbour["differs"] {
  const other = new Map(there.map(({ key, value }) => [key, value]));
  const keys = [...new Set([...here.keys(), ...other.keys()])];
  return keys
    .filter((key) => here.get(key) !== other.get(key))
    .map((key) => ({ key, here: here.get(key) ?? "", there: other.get(key) ?? "" }));
}

/** The settings of some cases that have several values, and the values of each, simplest first. */
export function axes(index: Index, rows: Int32Array, most = 24): ReadonlyMap<string, readonly string[]> {
  const values = new Map<string, Set<string>>();
  for (const place of new Set(Array.from(rows, (row) => index.raw.results.case[row]))) {
    for (const { key, value } of index.settings(place)) {
      if (!values.has(key)) values.set(key, new Set());
      values.get(key)!.add(value);
    }
  }
  const several = [...values].filter(([, of]) => of.size > 1 && of.size <= most);
  return new Map(several.map(([key, of]) => [key, [...of].sort((a, b) => a.length - b.length || (a < b ? -1 : 1))]));
}

/** Sums of rows by value of one setting, or by values of two. */
export function byValues(index: Index, rows: Int32Array, keys: readonly string[]): Map<string, Sum> {
  const sums = new Map<string, Sum>();
  for (const row of rows) {
    const known = new Map(index.settings(index.raw.results.case[row]).map(({ key, value }) => [key, value]));
    const name = keys.map((key) => known.get(key) ?? "").join("\u0000");
    if (!sums.has(name)) sums.set(name, nothing());
    add(sums.get(name)!, index, row);
  }
  return sums;
}

/** Axes by how well they tell deviating results from agreeing ones: the most telling first. */
export function telling(index: Index, rows: Int32Array, known: ReadonlyMap<string, readonly string[]>): string[] {
  const gain = new Map<string, number>();
  for (const key of known.keys()) {
    let rest = 0;
    for (const sum of byValues(index, rows, [key]).values()) rest += (sum.total / rows.length) * entropy(1 - sum.passed / sum.total);
    gain.set(key, -rest);
  }
  return [...known.keys()].sort((a, b) => gain.get(b)! - gain.get(a)!);
}

const entropy = (share: number): number =>
  share <= 0 || share >= 1 ? 0 : -share * Math.log2(share) - (1 - share) * Math.log2(1 - share);

export interface Coverage {
  readonly layer: string;
  readonly cases: number;
  readonly met: number;
  readonly possible: number;
}

/** For each layer: how many combinations of the values that occur meet in a case, two or three at a time. */
export function coverage(index: Index, rows: Int32Array, size: 2 | 3): Coverage[] {
  const ofLayer = new Map<number, Set<number>>();
  for (const row of rows) {
    const layer = index.layerOf[row];
    if (!ofLayer.has(layer)) ofLayer.set(layer, new Set());
    ofLayer.get(layer)!.add(index.raw.results.case[row]);
  }
  return [...ofLayer].map(([layer, cases]) => {
    const { met, possible } = combinations(index, [...cases], size);
    const { dialect, name } = index.raw.layers[layer];
    return { layer: dialect === "keras" ? name : `${name} (${dialect})`, cases: cases.size, met, possible };
  });
}

function combinations(index: Index, cases: readonly number[], size: number): { met: number; possible: number } {
  const values = new Map<number, Map<number, number>>();
  const lines = cases.map((place) => index.settingPlaces(place));
  for (const { keys, values: of } of lines) {
    keys.forEach((key, at) => {
      if (!values.has(key)) values.set(key, new Map());
      const known = values.get(key)!;
      if (!known.has(of[at])) known.set(of[at], known.size);
    });
  }
  const axes = [...values].filter(([, of]) => of.size > 1 && of.size <= 24);
  let met = 0;
  let possible = 0;
  for (const group of choose(axes.map(([key]) => key), size)) {
    const sizes = group.map((key) => values.get(key)!.size);
    possible += sizes.reduce((a, b) => a * b, 1);
    const seen = new Set<number>();
    for (const { keys, values: of } of lines) {
      let mark = 0;
      let whole = true;
      group.forEach((key, at) => {
        const place = keys.indexOf(key);
        if (place < 0) whole = false;
        else mark = mark * sizes[at] + values.get(key)!.get(of[place])!;
      });
      if (whole) seen.add(mark);
    }
    met += seen.size;
  }
  return { met, possible };
}

function* choose(keys: readonly number[], size: number, from = 0): Generator<number[]> {
  if (size === 0) yield [];
  else for (let at = from; at <= keys.length - size; at += 1) for (const rest of choose(keys, size - 1, at + 1)) yield [keys[at], ...rest];
}
