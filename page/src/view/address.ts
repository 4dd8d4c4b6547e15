/** The view of the page, all of which its address holds: tab, filters, order, opened case, and what is folded. */

import { signal } from "@preact/signals";
import { FACETS, type Facet } from "../data/filter";

export const TABS = ["summary", "matrix", "cases", "defects", "plots", "words"] as const;
export type Tab = (typeof TABS)[number];
export const SORTS = ["worst", "units", "slowest", "layer"] as const;
export type Sort = (typeof SORTS)[number];
export const AXES = ["routes", "defects", "settings", "pairs", "versions"] as const;
export type Axis = (typeof AXES)[number];

export interface View {
  readonly tab: Tab;
  readonly chosen: Readonly<Partial<Record<Facet, readonly string[]>>>;
  readonly having: readonly string[];
  readonly text: string;
  readonly sort: Sort;
  /** The opened case, its route, and the part of it that is shown. */
  readonly case: string;
  readonly on: string;
  readonly part: string;
  /** What the columns of the matrix are; for settings and pairs the layer, and the two settings of the pairs. */
  readonly by: Axis;
  readonly of: string;
  readonly pair: readonly string[];
  readonly side: boolean;
  readonly folded: readonly string[];
  readonly chain: string;
}

export const START: View = {
  tab: "summary",
  chosen: {},
  having: [],
  text: "",
  sort: "worst",
  case: "",
  on: "",
  part: "",
  by: "routes",
  of: "",
  pair: [],
  side: false,
  folded: [],
  chain: "",
};

const one = <T extends string>(known: readonly T[], text: string | null, otherwise: T): T =>
  known.includes(text as T) ? (text as T) : otherwise;

/** The view that an address holds; what it does not know is left out. */
export function parsed(hash: string): View {
  const words = new URLSearchParams(hash.replace(/^#/, ""));
  const chosen: Partial<Record<Facet, readonly string[]>> = {};
  for (const facet of FACETS) if (words.has(facet)) chosen[facet] = words.getAll(facet);
  const filters = Object.keys(chosen).length || words.has("q") || words.has("having");
  return {
    tab: one(TABS, words.get("tab"), words.has("case") || filters ? "cases" : "summary"),
    chosen,
    having: words.getAll("having"),
    text: words.get("q") ?? "",
    sort: one(SORTS, words.get("sort"), "worst"),
    case: words.get("case") ?? "",
    on: words.get("on") ?? "",
    part: words.get("part") ?? "",
    by: one(AXES, words.get("by"), "routes"),
    of: words.get("of") ?? "",
    pair: words.getAll("pair"),
    side: words.get("side") === "1",
    folded: words.getAll("folded"),
    chain: words.get("chain") ?? "",
  };
}

/** The address of a view: `#tab=cases&outcome=divergent`. */
export function address(view: View): string {
  const words = new URLSearchParams();
  if (view.tab !== START.tab) words.set("tab", view.tab);
  for (const facet of FACETS) for (const name of view.chosen[facet] ?? []) words.append(facet, name);
  for (const text of view.having) words.append("having", text);
  if (view.text) words.set("q", view.text);
  if (view.sort !== START.sort) words.set("sort", view.sort);
  for (const name of ["case", "on", "part", "of", "chain"] as const) if (view[name]) words.set(name, view[name]);
  if (view.by !== START.by) words.set("by", view.by);
  for (const name of view.pair) words.append("pair", name);
  if (view.side) words.set("side", "1");
  for (const name of view.folded) words.append("folded", name);
  return `#${words}`;
}

export const view = signal<View>(parsed(location.hash));

/** Change the view. The back button comes back from it, unless `quiet`: one does not go back through single letters. */
export function go(change: Partial<View>, { quiet = false } = {}): void {
  const next = { ...view.value, ...change };
  const to = address(next);
  if (to !== address(view.value)) history[quiet ? "replaceState" : "pushState"](null, "", to);
  view.value = next;
}

/** The view with other filters than these cleared: what a link from a count or a cell shows. */
export function only(chosen: View["chosen"], more: Partial<View> = {}): View {
  return { ...START, tab: "cases", chosen, ...more };
}

/** The cases of one cell: the filters of now, narrowed. */
export function narrowed(chosen: View["chosen"], more: Partial<View> = {}): View {
  const now = view.value;
  return { ...now, tab: "cases", case: "", on: "", part: "", chosen: { ...now.chosen, ...chosen }, ...more };
}

export function follow(): void {
  const read = () => {
    if (address(parsed(location.hash)) !== address(view.value)) view.value = parsed(location.hash);
  };
  addEventListener("popstate", read);
  addEventListener("hashchange", read);
}
