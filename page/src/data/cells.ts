/** Sums of results: one for each cell of a matrix. */

import type { Index } from "./index";

/** Counts of some results; `failed` and `expected` hold the worst outcome of each kind. */
export interface Sum {
  total: number;
  failed: number;
  expected: number;
  passed: number;
  drift: number;
  /** Places of the worst outcomes among those that failed, and among all; -1 for none. */
  worstFailed: number;
  worst: number;
}

export const nothing = (): Sum => ({ total: 0, failed: 0, expected: 0, passed: 0, drift: 0, worstFailed: -1, worst: -1 });

export function add(sum: Sum, index: Index, row: number): void {
  const judged = index.judgement(row);
  const outcome = index.raw.results.outcome[row];
  sum.total += 1;
  sum.worst = Math.max(sum.worst, outcome);
  if (judged === "failed") {
    sum.failed += 1;
    sum.worstFailed = Math.max(sum.worstFailed, outcome);
  } else if (judged === "expected") sum.expected += 1;
  else sum.passed += 1;
  if (index.first.words.outcomes[outcome].name === "drift") sum.drift += 1;
}

export function merged(sums: readonly Sum[]): Sum {
  const all = nothing();
  for (const sum of sums) {
    for (const key of ["total", "failed", "expected", "passed", "drift"] as const) all[key] += sum[key];
    all.worstFailed = Math.max(all.worstFailed, sum.worstFailed);
    all.worst = Math.max(all.worst, sum.worst);
  }
  return all;
}

export type Sums = ReadonlyMap<string, ReadonlyMap<string, Sum>>;

/** Sums of these rows by the names of their row and their columns of a matrix. */
export function table(index: Index, rows: Int32Array, rowOf: (row: number) => string, columnOf: (row: number) => string): Sums {
  const all = new Map<string, Map<string, Sum>>();
  for (const row of rows) {
    const name = rowOf(row);
    const column = columnOf(row);
    if (!name || !column) continue;
    let line = all.get(name);
    if (!line) all.set(name, (line = new Map()));
    let sum = line.get(column);
    if (!sum) line.set(column, (sum = nothing()));
    add(sum, index, row);
  }
  return all;
}
