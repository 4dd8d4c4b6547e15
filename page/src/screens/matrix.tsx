/** The matrix: layers or defects in rows; routes, values of settings, or outcomes in columns. */

import { useMemo } from "preact/hooks";
import { merged, table, type Sum, type Sums } from "../data/cells";
import { axes, byValues, telling } from "../data/settings";
import type { Index } from "../data/index";
import { Filters } from "../parts/filters";
import { Grid, type GridLine } from "../parts/grid";
import { sumCell } from "../parts/sums";
import { Said, To } from "../parts/bits";
import { AXES, go, narrowed, view, type Axis } from "../view/address";
import { clean, count, many, plain } from "../view/numbers";
import { first, hits, index } from "../view/state";

const NAMES: Readonly<Record<Axis, string>> = {
  routes: "Layers \u00d7 routes",
  defects: "Defects \u00d7 routes",
  settings: "Settings of a layer \u00d7 outcomes",
  pairs: "Pairs of settings of a layer",
  versions: "Layers \u00d7 versions",
};

export function MatrixScreen() {
  const open = index.value;
  const found = hits.value;
  const now = view.value;
  return (
    <>
      <Filters />
      <nav class="choices" aria-label="What the matrix shows">
        {AXES.filter((axis) => axis !== "versions").map((axis) => (
          <To key={axis} view={{ ...now, by: axis }} current={now.by === axis}>
            {NAMES[axis]}
          </To>
        ))}
      </nav>
      {open && found ? (
        now.by === "routes" ? <Layers index={open} rows={found.rows} />
        : now.by === "defects" ? <Defects index={open} rows={found.rows} />
        : <Settings index={open} rows={found.rows} />
      ) : (
        <p class="quiet">Reading the results.</p>
      )}
    </>
  );
}

const SIDE = "side routes";

/** Routes as columns: main ones first, the others folded into their sum. */
function routeColumns(shown: ReadonlySet<string>, side: boolean): { columns: GridLine[]; hidden: string[] } {
  const main: string[] = [];
  const rest: string[] = [];
  for (const each of first.routes) {
    if (!shown.has(each.route) || main.includes(each.route)) continue;
    if (each.main) main.push(each.route);
    else if (!rest.includes(each.route)) rest.push(each.route);
  }
  const others = rest.filter((route) => !main.includes(route));
  const line = (route: string): GridLine => ({ id: route, label: route.split("-").map((part, place) => (place ? <>{" "}<wbr />{"\u2192"} {part}</> : part)), title: route });
  const columns = main.map(line);
  if (side || !columns.length) columns.push(...others.map(line));
  else if (others.length) columns.push({ id: SIDE, label: many(others.length, "side route"), title: others.join(", ") });
  return { columns, hidden: side || !main.length ? [] : others };
}

function cellOf(sums: Sums, row: string, column: GridLine, hidden: readonly string[]): Sum | undefined {
  const line = sums.get(row);
  if (column.id !== SIDE) return line?.get(column.id);
  const parts = hidden.flatMap((route) => line?.get(route) ?? []);
  return parts.length ? merged(parts) : undefined;
}

function SideToggle({ count: side }: { readonly count: number }) {
  const now = view.value;
  if (!side) return null;
  return (
    <button type="button" class="small" aria-pressed={now.side} onClick={() => go({ side: !now.side })}>
      {now.side ? "Fold the side routes" : `Unfold ${many(side, "side route")}`}
    </button>
  );
}

const toggled = (names: readonly string[], name: string): string[] =>
  names.includes(name) ? names.filter((other) => other !== name) : [...names, name];

function Layers({ index: open, rows }: { readonly index: Index; readonly rows: Int32Array }) {
  const now = view.value;
  const byDialect = useMemo(() => {
    const parts = new Map<string, number[]>();
    for (const row of rows) {
      const { dialect } = open.layer(row);
      if (!parts.has(dialect)) parts.set(dialect, []);
      parts.get(dialect)!.push(row);
    }
    return [...parts].sort((a, b) => b[1].length - a[1].length).map(([dialect, of]) => [dialect, Int32Array.from(of)] as const);
  }, [open, rows]);
  const families = now.folded.includes(FAMILIES);
  return (
    <>
      <Legend>
        <SideToggle count={first.routes.filter((each) => !each.main).length} />
        <button type="button" class="small" aria-pressed={families} onClick={() => go({ folded: families ? [] : [FAMILIES] })}>
          Fold families of layers
        </button>
      </Legend>
      {byDialect.map(([dialect, of]) => (
        <Source key={dialect} index={open} rows={of} dialect={dialect} alone={byDialect.length === 1} />
      ))}
      {rows.length ? null : <p>No result fits these filters.</p>}
    </>
  );
}

/** In `folded`, says that all families are, but for those that are named beside it. */
const FAMILIES = "families";

/** The layers of one kind of source. */
function Source({ index: open, rows, dialect, alone }: { readonly index: Index; readonly rows: Int32Array; readonly dialect: string; readonly alone: boolean }) {
  const now = view.value;
  const sums = useMemo(() => table(open, rows, (row) => open.layer(row).name, (row) => open.route(row)), [open, rows]);
  const whole = useMemo(() => new Map([...sums].map(([name, line]) => [name, merged([...line.values()])])), [sums]);
  const groups = new Map(open.raw.layers.filter((layer) => layer.dialect === dialect).map((layer) => [layer.name, layer.group]));
  const members = new Map<string, string[]>();
  for (const name of sums.keys()) members.set(groups.get(name)!, [...(members.get(groups.get(name)!) ?? []), name]);
  const { columns, hidden } = routeColumns(new Set([...sums.values()].flatMap((line) => [...line.keys()])), now.side);
  const failed = (names: readonly string[]): number => names.reduce((sum, name) => sum + whole.get(name)!.failed, 0);
  const lines = [...members]
    .sort(([a, ofA], [b, ofB]) => Math.sign(failed(ofB)) - Math.sign(failed(ofA)) || (a < b ? -1 : 1))
    .flatMap(([family, names]) =>
      names.sort().map((name): GridLine => ({
        id: name,
        label: <Said text={name} />,
        group: names.length > 1 ? family : undefined,
        title: `${clean(name)}: where in its settings is it wrong?`,
        to: { ...now, by: "settings", of: name, chosen: { ...now.chosen, dialect: [dialect] } },
      })),
    );
  const closed = now.folded.includes(`source ${dialect}`);
  const folded = [...members.keys()].filter((family) => now.folded.includes(FAMILIES) !== now.folded.includes(family));
  const target = (layers: string[], column: GridLine) => narrowed({ layer: layers, dialect: [dialect], route: column.id === SIDE ? [...hidden] : [column.id] });
  const failures = failed([...sums.keys()]);
  return (
    <section class="source" aria-label={`Layers of ${dialect}`}>
      {alone ? null : (
        <h2>
          <button type="button" class="fold" aria-expanded={!closed} onClick={() => go({ folded: toggled(now.folded, `source ${dialect}`) }, { quiet: true })}>
            <i aria-hidden="true">{closed ? "\u25b8" : "\u25be"}</i> {dialect}
          </button>{" "}
          <small class="quiet">
            {many(sums.size, "layer")}, {many(rows.length, "result")}
          </small>{" "}
          {failures ? <b class="bad">{"\u2717"} {count(failures)} failed</b> : null}
        </h2>
      )}
      {closed ? null : (
        <Grid
          caption={`Layers of ${dialect} in rows, routes in columns`}
          corner="Layer"
          rows={lines}
          columns={columns}
          folded={folded}
          onFold={(family) => go({ folded: toggled(now.folded, family) }, { quiet: true })}
          cell={(row, column) => sumCell(cellOf(sums, row.id, column, hidden), `${row.id} on ${column.id}`, target([row.id], column))}
          sum={(family, column) => {
            const parts = members.get(family)!.flatMap((name) => cellOf(sums, name, column, hidden) ?? []);
            return sumCell(merged(parts), `${family} on ${column.id}`, target(members.get(family)!, column));
          }}
        />
      )}
    </section>
  );
}

function Legend({ children }: { readonly children?: preact.ComponentChildren }) {
  return (
    <p class="legend">
      <span class="tone-failed o-divergent">{"\u2717"} worst unexpected outcome</span>
      <span class="tone-known">{"\u25c7"} deviates as expected</span>
      <span class="tone-good">{"\u2713"} agrees</span> {children}
    </p>
  );
}

function Defects({ index: open, rows }: { readonly index: Index; readonly rows: Int32Array }) {
  const now = view.value;
  const sums = useMemo(() => table(open, rows, (row) => (open.raw.results.defect[row] ? String(open.raw.results.defect[row]) : ""), (row) => open.route(row)), [open, rows]);
  const { columns, hidden } = routeColumns(new Set([...sums.values()].flatMap((line) => [...line.keys()])), now.side);
  const lines = [...sums.keys()].sort((a, b) => Number(a) - Number(b)).map((id): GridLine => {
    const defect = open.defect(Number(id));
    return {
      id,
      label: (
        <>
          <small>{id}</small> {defect?.hop} <small>{defect?.outcome}, {defect && defect.layers.length === 1 ? <Said text={defect.layers[0]} /> : many(defect?.layers.length ?? 0, "layer")}</small>
        </>
      ),
      title: clean(defect?.message ?? ""),
      to: narrowed({ defect: [id] }),
    };
  });
  return (
    <>
      <Legend>
        <SideToggle count={first.routes.filter((each) => !each.main).length} />
      </Legend>
      {lines.length ? (
        <Grid
          caption="Defects in rows, routes in columns"
          corner="Defect"
          class="wide-names"
          rows={lines}
          columns={columns}
          cell={(row, column) => sumCell(cellOf(sums, row.id, column, hidden), `defect ${row.id} on ${column.id}`, narrowed({ defect: [row.id], route: column.id === SIDE ? [...hidden] : [column.id] }))}
        />
      ) : (
        <p>No defect among these results.</p>
      )}
    </>
  );
}

/** Where in its configurations a layer is wrong: values of settings by outcome, or pairs of values. */
function Settings({ index: open, rows }: { readonly index: Index; readonly rows: Int32Array }) {
  const now = view.value;
  const names = [...new Set(Array.from(rows, (row) => open.layer(row).name))].sort();
  const layer = names.includes(now.of) ? now.of : mostDeviating(open, rows);
  const own = useMemo(() => rows.filter((row) => open.layer(row).name === layer), [open, rows, layer]);
  const known = useMemo(() => axes(open, own), [open, own]);
  const ordered = useMemo(() => telling(open, own, known), [open, own, known]);
  return (
    <>
      <div class="row legend">
        <label>
          Layer{" "}
          <select value={layer} onChange={(event) => go({ of: event.currentTarget.value, pair: [] })}>
            {names.map((name) => (
              <option key={name} value={name}>{clean(name)}</option>
            ))}
          </select>
        </label>
        <span class="quiet">{many(own.length, "result")}; the settings that tell most come first</span>
      </div>
      {now.by === "pairs" ? <Pairs index={open} rows={own} layer={layer} known={known} ordered={ordered} /> : <Outcomes index={open} rows={own} layer={layer} known={known} ordered={ordered} />}
    </>
  );
}

interface Of {
  readonly index: Index;
  readonly rows: Int32Array;
  readonly layer: string;
  readonly known: ReadonlyMap<string, readonly string[]>;
  readonly ordered: readonly string[];
}

function mostDeviating(open: Index, rows: Int32Array): string {
  const counts = new Map<string, number>();
  for (const row of rows) {
    const worse = open.judgement(row) === "failed" ? 1000 : open.passes(row) ? 0 : 1;
    counts.set(open.layer(row).name, (counts.get(open.layer(row).name) ?? 0) + worse);
  }
  return [...counts].sort((a, b) => b[1] - a[1])[0]?.[0] ?? "";
}

function Outcomes({ index: open, rows, layer, known, ordered }: Of) {
  const now = view.value;
  const used = first.words.outcomes.filter((_, place) => rows.some((row) => open.raw.results.outcome[row] === place));
  const calm = new Set(used.filter((word) => word.calm).map((word) => word.name));
  const lines = ordered.flatMap((key) => known.get(key)!.map((value): GridLine => ({ id: `${key}=${value}`, label: <Said text={plain(value)} />, group: key })));
  const sums = useMemo(() => {
    const all = new Map<string, Map<string, number>>();
    for (const row of rows) {
      for (const { key, value } of open.settings(open.raw.results.case[row])) {
        const line = all.get(`${key}=${value}`) ?? all.set(`${key}=${value}`, new Map()).get(`${key}=${value}`)!;
        line.set(open.outcome(row), (line.get(open.outcome(row)) ?? 0) + 1);
        line.set("", (line.get("") ?? 0) + 1);
      }
    }
    return all;
  }, [open, rows]);
  return (
    <Grid
      caption={`Settings of ${layer} in rows, outcomes in columns`}
      corner="Setting"
      rows={lines}
      columns={used.map((word) => ({ id: word.name, label: word.name, title: word.meaning }))}
      sum={() => ({ tone: "words", content: "", words: "" })}
      folded={now.folded}
      onFold={(key) => go({ folded: toggled(now.folded, key) }, { quiet: true })}
      cell={(row, column) => {
        const of = sums.get(row.id)?.get(column.id);
        if (!of) return null;
        const total = sums.get(row.id)!.get("")!;
        const share = Math.round((100 * of) / total);
        return {
          tone: `share o-${column.id}${share < 50 && calm.has(column.id) ? " weak" : ""}`,
          content: (
            <>
              {count(of)} <small>{share} %</small>
            </>
          ),
          words: `${row.id}: ${count(of)} of ${count(total)} ${column.id}`,
          to: narrowed({ layer: [layer], outcome: [column.id] }, { having: [row.id] }),
        };
      }}
    />
  );
}

function Pairs({ index: open, rows, layer, known, ordered }: Of) {
  const now = view.value;
  const [a, b] = [0, 1].map((place) => (known.has(now.pair[place]) ? now.pair[place] : ordered.filter((key) => !now.pair.includes(key))[place]));
  const sums = useMemo(() => (a && b ? byValues(open, rows, [a, b]) : new Map<string, Sum>()), [open, rows, a, b]);
  if (!a || !b) return <p>These cases have fewer than two settings that vary.</p>;
  const choose = (place: number) => (
    <select aria-label={place ? "Columns" : "Rows"} value={place ? b : a} onChange={(event) => go({ pair: place ? [a, event.currentTarget.value] : [event.currentTarget.value, b] })}>
      {ordered.map((key) => (
        <option key={key} value={key}>{clean(key)}</option>
      ))}
    </select>
  );
  return (
    <>
      <p class="row">
        {choose(0)} {"\u00d7"} {choose(1)} <span class="quiet">A cell says how many results deviate, of all.</span>
      </p>
      <Grid
        caption={`${a} in rows, ${b} in columns, for ${layer}`}
        corner={`${a} \u00d7 ${b}`}
        rows={known.get(a)!.map((value) => ({ id: value, label: <Said text={plain(value)} /> }))}
        columns={known.get(b)!.map((value) => ({ id: value, label: <Said text={plain(value)} /> }))}
        cell={(row, column) => {
          const sum = sums.get(`${row.id}\u0000${column.id}`);
          if (!sum) return null;
          const bad = sum.failed + sum.expected;
          const share = bad / sum.total;
          const heat = bad ? (share > 0.99 ? 4 : share > 0.66 ? 3 : share > 0.33 ? 2 : 1) : 0;
          return {
            tone: `heat heat-${heat}`,
            content: (
              <>
                {sum.failed ? <b>{"\u2717"} </b> : null}
                {count(bad)} <small>of {count(sum.total)}</small>
              </>
            ),
            words: `${a} = ${plain(row.id)}, ${b} = ${plain(column.id)}: ${count(bad)} of ${count(sum.total)} deviate${sum.failed ? `, ${count(sum.failed)} failed` : ""}`,
            to: narrowed({ layer: [layer] }, { having: [`${a}=${row.id}`, `${b}=${column.id}`] }),
          };
        }}
      />
    </>
  );
}
