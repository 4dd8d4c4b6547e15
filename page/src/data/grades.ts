/** Grades of an error in noise units, for colours that the page uses everywhere. */

import { first } from "../view/state";

/** Upper edges of the grades 0 to 5, as in the legend of pictures; beyond all is infinite or NaN. */
const EDGES = [1, first.words?.edges.faithful ?? 32, first.words?.edges.drift ?? 1024, 32768, 4194304];

/** 0 below 1 unit ... 5 beyond four million, 6 infinite or NaN. */
export function grade(units: number): number {
  if (!Number.isFinite(units)) return 6;
  const place = EDGES.findIndex((edge) => units <= edge);
  return place < 0 ? 5 : place;
}

export const GRADES: readonly string[] = first.words?.picture.map(([, text]) => text) ?? [];

export const asNumber = (value: number | string | null | undefined): number =>
  value === null || value === undefined ? NaN : value === "nan" || value === "inf" ? Infinity : Number(value);
