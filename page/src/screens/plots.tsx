/** Plots over the results that the filters show. */

import { useEffect, useMemo, useState } from "preact/hooks";
import type { Index } from "../data/index";
import { coverage } from "../data/settings";
import { Chart, named, Plot, type Row } from "../parts/chart";
import { Filters } from "../parts/filters";
import { Outcome, Said, To } from "../parts/bits";
import { START, view } from "../view/address";
import { clean, count, many, seconds, units } from "../view/numbers";
import { first, hits, index } from "../view/state";
import { listed } from "./cases";

export function PlotsScreen() {
  const open = index.value;
  const found = hits.value;
  const part = view.value.part;
  useEffect(() => {
    if (part) document.getElementById(part)?.scrollIntoView();
  }, [part, open]);
  if (!open || !found) return <p class="quiet">Reading the results.</p>;
  const mark = `${address(found.rows)}`;
  return (
    <>
      <Filters />
      {first.history.length > 1 ? <History /> : null}
      <Outcomes index={open} rows={found.rows} mark={mark} />
      <Noise index={open} rows={found.rows} mark={mark} />
      <Times index={open} rows={found.rows} mark={mark} />
      <Covered index={open} rows={found.rows} mark={mark} />
    </>
  );
}

/** Tells two selections of rows apart. */
const address = (rows: Int32Array): string => `${rows.length} ${rows[0]} ${rows[rows.length - 1]} ${rows.reduce((sum, row) => (sum * 31 + row) | 0, 0)}`;

interface Of {
  readonly index: Index;
  readonly rows: Int32Array;
  readonly mark: string;
}

const colours = () => ({
  domain: first.words.outcomes.map((word) => word.name),
  range: first.words.outcomes.map((word) => `var(--${word.name})`),
});

function Outcomes({ index: open, rows, mark }: Of) {
  const sums = useMemo(() => {
    const all = new Map<string, number>();
    for (const row of rows) {
      const key = `${open.route(row)}\u0000${open.outcome(row)}`;
      all.set(key, (all.get(key) ?? 0) + 1);
    }
    return [...all].map(([key, results]) => ({ route: key.split("\u0000")[0], outcome: key.split("\u0000")[1], results }));
  }, [open, mark]);
  const routes = first.routes.map((each) => each.route).filter((route, place, every) => every.indexOf(route) === place && sums.some((sum) => sum.route === route));
  return (
    <Chart
      title="Outcomes of each route"
      says={
        <>
          Share of the results of a route, best outcome first:{" "}
          {first.words.outcomes.filter((word) => sums.some((sum) => sum.outcome === word.name)).map((word) => (
            <Outcome key={word.name} name={word.name} />
          ))}
        </>
      }
      mark={mark}
      columns={["route", "outcome", "results"]}
      rows={sums}
      options={(width) => {
        const { marginLeft, row, axis } = named(routes, width, 24);
        return {
          marginLeft,
          height: 60 + row * routes.length,
          x: { percent: true, label: "% of results" },
          y: { domain: routes, label: null },
          color: { ...colours(), legend: false },
          marks: [axis, Plot.barX(sums, { x: "results", y: "route", fill: "outcome", offset: "normalize", order: first.words.outcomes.map((word) => word.name), stroke: "var(--page)", title: (each: Row) => `${each.route}: ${each.results} ${each.outcome}` } as Plot.BarXOptions)],
        };
      }}
    />
  );
}

/** Most layers that a plot shows: those with the largest errors. */
const LAYERS = 40;
/** Most runtimes side by side: those with the most stages; the table has all. */
const RUNTIMES = 4;

function Noise({ index: open, rows, mark }: Of) {
  const { cells, layers } = useMemo(() => noise(open, rows), [open, mark]);
  const { faithful, drift } = first.words.edges;
  const weight = (runtime: string) => cells.reduce((sum, cell) => sum + (cell.runtime === runtime ? cell.stages : 0), 0);
  const runtimes = [...new Set(cells.map((cell) => cell.runtime))].sort((a, b) => weight(b) - weight(a)).slice(0, RUNTIMES);
  const drawn = cells.filter((cell) => runtimes.includes(cell.runtime));
  return (
    <Chart
      title="Noise units of each layer and runtime"
      says={`How the errors of stages are distributed, by powers of two; darker is a larger share of the stages of a layer. Lines: ${faithful}, the edge of faithful, and ${drift}, the edge of drift. ${layers.length === LAYERS ? `The ${LAYERS} layers with the largest errors, in the runtimes with the most stages; the table has all runtimes.` : ""}`}
      mark={mark}
      columns={["runtime", "layer", "from", "to", "stages"]}
      rows={cells}
      options={(width) => {
        const { marginLeft, row, axis } = named(layers, width, 15);
        return {
          marginLeft,
          marginTop: 40,
          height: 80 + row * layers.length,
          fx: { domain: runtimes, label: null },
          x: { type: "log", base: 2, label: "noise units", ticks: [1, 32, 1024, 2 ** 20], tickFormat: (value: number) => (value >= 2 ** 20 ? "1M" : String(value)) },
          y: { domain: layers, label: null },
          marks: [
            axis,
            Plot.rect(drawn, { x1: "from", x2: "to", y: "layer", fx: "runtime", fill: "var(--accent)", fillOpacity: (cell: Cell) => 0.15 + 0.85 * Math.sqrt(cell.share), title: (cell: Cell) => `${cell.layer} in ${cell.runtime}: ${cell.stages} stages from ${cell.from} to ${cell.to} units` } as unknown as Plot.RectOptions),
            Plot.ruleX([faithful, drift], { stroke: "var(--bad)", strokeDasharray: "4 3" }),
          ],
        };
      }}
    />
  );
}

interface Cell {
  readonly [name: string]: string | number;
  readonly runtime: string;
  readonly layer: string;
  readonly from: number;
  readonly to: number;
  readonly stages: number;
  readonly share: number;
}

const LEAST = 2 ** -6;
const MOST = 2 ** 24;

function noise(open: Index, rows: Int32Array): { cells: Cell[]; layers: string[] } {
  const { stages, results } = open.raw;
  const seen = new Set<number>();
  const bins = new Map<string, number>();
  const largest = new Map<string, number>();
  const totals = new Map<string, number>();
  for (const row of rows) {
    const layer = clean(open.layer(row).name);
    for (const stage of results.stages[row]) {
      const value = open.stageUnits[stage];
      if (seen.has(stage) || Number.isNaN(value) || stages.runtime[stage] < 0) continue;
      seen.add(stage);
      const power = Math.floor(Math.log2(Math.min(MOST, Math.max(LEAST, value))));
      const line = `${open.part(stages.runtime[stage])}\u0000${layer}`;
      bins.set(`${line}\u0000${power}`, (bins.get(`${line}\u0000${power}`) ?? 0) + 1);
      totals.set(line, (totals.get(line) ?? 0) + 1);
      largest.set(layer, Math.max(largest.get(layer) ?? 0, value));
    }
  }
  const layers = [...largest].sort((a, b) => b[1] - a[1]).slice(0, LAYERS).map(([layer]) => layer);
  const cells = [...bins].flatMap(([key, of]): Cell[] => {
    const [runtime, layer, power] = key.split("\u0000");
    if (!layers.includes(layer)) return [];
    return [{ runtime, layer, from: 2 ** Number(power), to: 2 ** (Number(power) + 1), stages: of, share: of / totals.get(`${runtime}\u0000${layer}`)! }];
  });
  return { cells, layers };
}

function Times({ index: open, rows, mark }: Of) {
  const sums = useMemo(() => {
    const all = new Map<string, { total: number; stages: number; longest: number }>();
    const seen = new Set<number>();
    for (const row of rows) {
      for (const stage of open.raw.results.stages[row]) {
        if (seen.has(stage)) continue;
        seen.add(stage);
        const name = open.part(open.raw.stages.hop[stage]) || `source (${open.part(open.raw.stages.artifact[stage])})`;
        const known = all.get(name) ?? { total: 0, stages: 0, longest: 0 };
        const time = open.stageSeconds[stage] || 0;
        all.set(name, { total: known.total + time, stages: known.stages + 1, longest: Math.max(known.longest, time) });
      }
    }
    return [...all].map(([stage, each]) => ({ stage, ...each, mean: each.total / each.stages })).sort((a, b) => b.total - a.total);
  }, [open, mark]);
  const slowest = useMemo(() => listed(open, rows, "slowest").slice(0, 15), [open, mark]);
  return (
    <>
      <Chart
        title="Time of each stage"
        says="Seconds to convert and to run, summed over the cases; stages that several routes share count once."
        mark={mark}
        columns={["stage", "total", "stages", "mean", "longest"]}
        rows={sums.map((each) => ({ ...each, total: seconds(each.total), mean: seconds(each.mean), longest: seconds(each.longest) }))}
        options={(width) => {
          const { marginLeft, row, axis } = named(sums.map((each) => each.stage), width, 22);
          return {
            marginLeft,
            height: 60 + row * sums.length,
            x: { label: "seconds", grid: true },
            y: { domain: sums.map((each) => each.stage), label: null },
            marks: [axis, Plot.barX(sums, { x: "total", y: "stage", fill: "var(--accent)", title: (each: (typeof sums)[number]) => `${each.stage}: ${seconds(each.total)} over ${each.stages} stages` }), Plot.ruleX([0])],
          };
        }}
      />
      <section aria-labelledby="slowest">
        <h3 id="slowest">Slowest cases</h3>
        <table class="plain">
          <thead>
            <tr>
              <th scope="col">Case</th>
              <th scope="col">Route</th>
              <th scope="col" class="right">Time</th>
              <th scope="col" class="right">Error</th>
            </tr>
          </thead>
          <tbody>
            {slowest.map(({ place, first: own }) => (
              <tr key={place}>
                <th scope="row">
                  <To view={{ ...START, tab: "cases", case: open.raw.cases.id[place], on: open.route(own), part: "numbers" }}><Said text={open.raw.cases.id[place]} /></To>
                </th>
                <td>{open.route(own)}</td>
                <td class="right">{seconds(open.seconds[own])}</td>
                <td class="right">{units(open.units[own])}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </>
  );
}

function Covered({ index: open, rows, mark }: Of) {
  const [size, setSize] = useState<2 | 3>(2);
  const all = useMemo(() => coverage(open, rows, size).filter((each) => each.possible), [open, mark, size]);
  const shares = all.map((each) => ({ ...each, share: each.met / each.possible })).sort((a, b) => a.share - b.share);
  const shown = shares.slice(0, 60);
  return (
    <>
      <p class="row">
        <button type="button" aria-pressed={size === 2} onClick={() => setSize(2)}>Pairs</button>
        <button type="button" aria-pressed={size === 3} onClick={() => setSize(3)}>Triples</button>
      </p>
      <Chart
        title={size === 2 ? "Pairs of settings that meet in a case" : "Triples of settings that meet in a case"}
        says={`Of all combinations of the values that occur; some contradict each other and cannot meet. ${shares.length > 60 ? "The 60 layers with the smallest share." : ""}`}
        mark={`${mark} ${size}`}
        columns={["layer", "cases", "met", "possible", "share"]}
        rows={shares.map((each) => ({ layer: clean(each.layer), cases: each.cases, met: count(each.met), possible: count(each.possible), share: `${(100 * each.share).toFixed(0)} %` }))}
        options={(width) => {
          const { marginLeft, row, axis } = named(shown.map((each) => clean(each.layer)), width, 16);
          return {
            marginLeft,
            height: 60 + row * shown.length,
            x: { label: "% that meet", percent: true, grid: true, domain: [0, 100] },
            y: { domain: shown.map((each) => clean(each.layer)), label: null },
            marks: [axis, Plot.barX(shown, { x: "share", y: (each: (typeof shown)[number]) => clean(each.layer), fill: "var(--accent)", title: (each: (typeof shown)[number]) => `${each.layer}: ${each.met} of ${each.possible} in ${many(each.cases, "case")}` }), Plot.ruleX([0])],
          };
        }}
      />
    </>
  );
}

function History() {
  const points = first.history.flatMap((run) =>
    first.words.judgements.map((word) => ({ run: run.name, started: new Date(run.started), judgement: word.name, share: (run.judgements[word.name] ?? 0) / Math.max(1, run.results) })),
  );
  return (
    <Chart
      id="history"
      title="History"
      says="Share of results of each judgement over the runs."
      mark="history"
      columns={["run", "started", "results", "passed", "expected", "failed", "time"]}
      rows={first.history.map((run) => ({
        run: run.name,
        started: run.started.slice(0, 16).replace("T", " "),
        results: count(run.results),
        ...Object.fromEntries(first.words.judgements.map((word) => [word.name, count(run.judgements[word.name] ?? 0)])),
        time: run.seconds === null ? "" : seconds(run.seconds),
      }))}
      options={() => ({
        height: 220,
        marginRight: 70,
        y: { percent: true, label: "% of results", grid: true },
        x: { label: null },
        marks: [
          Plot.lineY(points, { x: "started", y: "share", z: "judgement", stroke: (each: (typeof points)[number]) => `var(--${each.judgement}-line)` as string, marker: "dot" } as Plot.LineYOptions),
          Plot.text(points, Plot.selectLast({ x: "started", y: "share", z: "judgement", text: "judgement", textAnchor: "start", dx: 8, fill: "currentColor" })),
        ],
      })}
    />
  );
}
