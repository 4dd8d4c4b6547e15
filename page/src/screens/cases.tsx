/** The list of cases, worst first: a row for each, with the routes that deviate by name. */

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Index } from "../data/index";
import { Filters } from "../parts/filters";
import { Outcome, Said, sign, To } from "../parts/bits";
import { go, SORTS, view, type Sort } from "../view/address";
import { count, plain, seconds, units } from "../view/numbers";
import { hits, index } from "../view/state";

const PAGE = 60;
/** Most routes that a line names. */
const CHIPS = 2;
const NAMES: Readonly<Record<Sort, string>> = { worst: "worst first", units: "largest error first", slowest: "slowest first", layer: "by layer" };

export interface Listed {
  readonly place: number;
  readonly rows: readonly number[];
  /** The row that comes first in the order of the list. */
  readonly first: number;
}

/** The cases of these rows in the order of the list. No two rows share a place, so that nothing is sorted here. */
export function listed(open: Index, rows: Int32Array, sort: Sort): Listed[] {
  const places = order(open, sort);
  const cases: { place: number; rows: number[]; first: number }[] = [];
  let last: (typeof cases)[number] | undefined;
  for (const row of rows) {
    const place = open.raw.results.case[row];
    if (last?.place === place) {
      last.rows.push(row);
      if (places[row] < places[last.first]) last.first = row;
    } else cases.push((last = { place, rows: [row], first: row }));
  }
  const slots = new Int32Array(open.count).fill(-1);
  cases.forEach((each, at) => {
    slots[places[each.first]] = at;
  });
  const sorted: Listed[] = [];
  for (const at of slots) if (at >= 0) sorted.push(cases[at]);
  return sorted;
}

/** The places of rows in the order of the list. Judgements stand best first: passed, expected, failed. */
function order(open: Index, sort: Sort): Int32Array {
  const { judgement, outcome } = open.raw.results;
  const error = (row: number): number => (Number.isNaN(open.units[row]) ? -1 : Math.min(open.units[row], 1e300));
  const keys: Readonly<Record<Sort, (row: number) => number>> = {
    worst: (row) => judgement[row] * 1e6 + outcome[row] * 1e4 + Math.min(9999, error(row)),
    units: error,
    slowest: (row) => open.seconds[row],
    layer: (row) => -row,
  };
  return open.order(sort, keys[sort]);
}

export function CasesScreen() {
  const open = index.value;
  const found = hits.value;
  const now = view.value;
  const [most, setMost] = useState(PAGE);
  const list = useRef<HTMLOListElement>(null);
  const cases = useMemo(() => (open && found ? listed(open, found.rows, now.sort) : []), [open, found, now.sort]);
  useEffect(() => setMost(PAGE), [found]);
  const press = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, n: 1, ArrowUp: -1, p: -1 }[event.key];
    if (!step || event.ctrlKey) return;
    const links = [...(list.current?.querySelectorAll<HTMLAnchorElement>("a.open") ?? [])];
    const next = links[links.indexOf(document.activeElement as HTMLAnchorElement) + step];
    if (next) {
      event.preventDefault();
      links.forEach((link) => (link.tabIndex = -1));
      next.tabIndex = 0;
      next.focus();
    }
  };
  return (
    <>
      <Filters />
      <p class="row">
        <label>
          Order{" "}
          <select value={now.sort} onChange={(event) => go({ sort: event.currentTarget.value as Sort })}>
            {SORTS.map((sort) => (
              <option key={sort} value={sort}>
                {NAMES[sort]}
              </option>
            ))}
          </select>
        </label>
        <span class="quiet">Arrow keys move in the list.</span>
      </p>
      {open ? (
        <ol class="cases" ref={list} onKeyDown={press}>
          {cases.slice(0, most).map((each, place) => (
            <Row key={each.place} index={open} each={each} first={place === 0} />
          ))}
        </ol>
      ) : (
        <p class="quiet">Reading the results.</p>
      )}
      {open && !cases.length ? <p>No case fits these filters.</p> : null}
      {cases.length > most ? (
        <button type="button" onClick={() => setMost(most + 5 * PAGE)}>
          Show {count(Math.min(5 * PAGE, cases.length - most))} more of {count(cases.length - most)}
        </button>
      ) : null}
    </>
  );
}

function Row({ index: open, each, first }: { readonly index: Index; readonly each: Listed; readonly first: boolean }) {
  const id = open.raw.cases.id[each.place];
  const worst = each.first;
  const loud = each.rows.filter((row) => !open.passes(row) || open.judgement(row) === "failed").sort((a, b) => open.rank(b) - open.rank(a));
  const brief = open
    .settings(each.place)
    .filter(({ fact }) => !fact)
    .slice(0, 12)
    .map(({ key, value }) => `${key}=${plain(value)}`)
    .join(" ");
  const target = { ...view.value, tab: "cases" as const, case: id, on: open.route(worst), part: "" };
  const judged = open.judgement(worst);
  return (
    <li class={`judged-${judged}`}>
      <To view={target} class="open" tab={first ? 0 : -1}>
        <span class="sign" aria-hidden="true">{sign(judged)}</span>
        <Outcome name={open.outcome(worst)} />
        <b><Said text={open.raw.layers[open.raw.cases.layer[each.place]].name} /></b>
        <code class="brief"><Said text={brief || id} /></code>
      </To>
      <span class="routes">
        {loud.slice(0, CHIPS).map((row) => (
          <To key={row} tab={-1} view={{ ...target, on: open.route(row) }} class={`route ${open.judgement(row) === "failed" ? `o-${open.outcome(row)}` : "quiet"}`} title={`${open.route(row)}: ${open.outcome(row)}, ${open.judgement(row)}`}>
            {sign(open.judgement(row))} <Said text={open.route(row)} />
          </To>
        ))}
        {loud.length > CHIPS ? <small>and {loud.length - CHIPS} more</small> : null}
        {loud.length === 0 ? <small>{each.rows.length === 1 ? open.route(worst) : `all ${each.rows.length} agree`}</small> : each.rows.length > loud.length ? <small>{each.rows.length - loud.length} agree</small> : null}
        <small class="figure">{view.value.sort === "slowest" ? seconds(open.seconds[worst]) : units(open.units[worst])}</small>
      </span>
    </li>
  );
}
