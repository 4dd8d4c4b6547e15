/** Which results a view shows, and how many each choice of each menu would show. */

import type { Index } from "./index";

export const FACETS = ["judgement", "outcome", "answer", "layer", "route", "blame", "profile", "dialect", "defect"] as const;
export type Facet = (typeof FACETS)[number];

export interface Wish {
  readonly chosen: Readonly<Partial<Record<Facet, readonly string[]>>>;
  /** Settings such as `padding="same"` that a case must have. */
  readonly having: readonly string[];
  readonly text: string;
}

export interface Shown {
  readonly rows: Int32Array;
  readonly cases: number;
  /** For each menu, the number of results of each choice, with all other filters applied. */
  readonly counts: Readonly<Record<Facet, ReadonlyMap<string, number>>>;
}

interface Column {
  readonly names: readonly string[];
  readonly of: (row: number) => number;
}

/** The columns that menus filter: names, and the place of each row's name; -1 has none. */
export function columns(index: Index): Readonly<Record<Facet, Column>> {
  const { raw, first } = index;
  const layers = raw.layers.map((layer) => layer.name);
  const names = [...new Set(layers)];
  const nameOf = layers.map((name) => names.indexOf(name));
  const dialects = [...new Set(raw.layers.map((layer) => layer.dialect))];
  const dialectOf = raw.layers.map((layer) => dialects.indexOf(layer.dialect));
  const column = (of: readonly number[] | Int32Array) => (row: number) => of[row];
  return {
    judgement: { names: first.words.judgements.map((word) => word.name), of: column(raw.results.judgement) },
    outcome: { names: first.words.outcomes.map((word) => word.name), of: column(raw.results.outcome) },
    answer: { names: first.words.answers.map((word) => word.name), of: column(raw.results.answer) },
    layer: { names, of: (row) => nameOf[index.layerOf[row]] },
    route: { names: raw.routes, of: column(raw.results.route) },
    blame: { names: raw.blames, of: column(raw.results.blame) },
    profile: { names: raw.profiles, of: column(raw.results.profile) },
    dialect: { names: dialects, of: (row) => dialectOf[index.layerOf[row]] },
    defect: { names: raw.defects.map((_, place) => String(place + 1)), of: (row) => raw.results.defect[row] - 1 },
  };
}

/** One pass over all results: a row that fails one menu only still counts in that menu. */
export function shown(index: Index, wish: Wish): Shown {
  const all = columns(index);
  const facets = FACETS.map((name) => all[name]);
  const allowed = FACETS.map((name, place) => mask(facets[place].names, wish.chosen[name]));
  const tallies = facets.map((facet) => new Int32Array(facet.names.length));
  const fits = caseTest(index, wish);
  const rows = new Int32Array(index.count);
  let count = 0;
  let cases = 0;
  let last = -1;
  const places = new Int32Array(FACETS.length);
  for (let row = 0; row < index.count; row += 1) {
    if (!fits(row)) continue;
    let misses = 0;
    let missed = -1;
    for (let facet = 0; facet < facets.length; facet += 1) {
      const place = facets[facet].of(row);
      places[facet] = place;
      const list = allowed[facet];
      if (list && !(place >= 0 && list[place])) {
        misses += 1;
        missed = facet;
        if (misses > 1) break;
      }
    }
    if (misses === 0) {
      for (let facet = 0; facet < facets.length; facet += 1) if (places[facet] >= 0) tallies[facet][places[facet]] += 1;
      rows[count] = row;
      count += 1;
      if (index.raw.results.case[row] !== last) cases += 1;
      last = index.raw.results.case[row];
    } else if (misses === 1 && places[missed] >= 0) tallies[missed][places[missed]] += 1;
  }
  const counts = Object.fromEntries(
    FACETS.map((name, facet) => [name, new Map(facets[facet].names.map((text, place) => [text, tallies[facet][place]]))]),
  ) as Record<Facet, Map<string, number>>;
  return { rows: rows.slice(0, count), cases, counts };
}

function mask(names: readonly string[], chosen: readonly string[] | undefined): Uint8Array | null {
  if (!chosen?.length) return null;
  return Uint8Array.from(names, (name) => (chosen.includes(name) ? 1 : 0));
}

/**
 * Whether a row's case has the settings, and the row all words that were asked for: in its case with the layer and the
 * settings, in its message, route, outcome, judgement, answer or blame.
 */
function caseTest(index: Index, wish: Wish): (row: number) => boolean {
  const words = wish.text.toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.length && !wish.having.length) return () => true;
  const { raw } = index;
  const texts = words.length ? index.texts : [];
  const { first } = index;
  const lists: readonly (readonly [readonly string[], ArrayLike<number>])[] = [
    [texts, raw.results.case],
    [index.lowered, raw.results.message],
    [raw.routes.map((name) => name.toLowerCase()), raw.results.route],
    [raw.blames.map((name) => name.toLowerCase()), raw.results.blame],
    [first.words.outcomes.map(({ name }) => name), raw.results.outcome],
    [first.words.judgements.map(({ name }) => name), raw.results.judgement],
    [first.words.answers.map(({ name }) => name), raw.results.answer],
  ];
  const found = words.map((word) => lists.map(([names, of]) => [marks(names, word), of] as const));
  const has = wish.having.length ? havingMask(index, wish.having) : null;
  return (row) => {
    const place = raw.results.case[row];
    if (has && !has[place]) return false;
    // a row without a message or a blame has the place -1, at which no mark is
    return found.every((each) => each.some(([marked, of]) => marked[of[row]]));
  };
}

/** 1 where a text has the word. */
function marks(texts: readonly string[], word: string): Uint8Array {
  const found = new Uint8Array(texts.length);
  for (let place = 0; place < texts.length; place += 1) if (texts[place].includes(word)) found[place] = 1;
  return found;
}

function havingMask(index: Index, having: readonly string[]): Uint8Array {
  return Uint8Array.from(index.raw.cases.id, (_, place) => {
    const known = new Set(index.settings(place).map(({ key, value }) => `${key}=${value}`));
    return having.every((text) => known.has(text)) ? 1 : 0;
  });
}
