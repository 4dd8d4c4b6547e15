/** The errors of a tensor in noise units, on a logarithmic axis with the edges of the grades. */

import { useEffect, useState } from "preact/hooks";
import { unpacked } from "../data/tensor";
import type { PackedTensor } from "../data/types";
import { count } from "../view/numbers";
import { first } from "../view/state";
import { Chart, Plot } from "./chart";

interface Bin {
  readonly low: number;
  readonly high: number;
  readonly values: number;
}

/** Numbers of values by powers of two, from 1/64 on; the first bin also holds all that is less. */
export function bins(units: Iterable<number>): { readonly bins: Bin[]; readonly infinite: number } {
  const counts = new Map<number, number>();
  let infinite = 0;
  for (const value of units) {
    if (!Number.isFinite(value)) infinite += 1;
    else {
      const power = Math.max(-6, Math.floor(Math.log2(Math.max(value, 2 ** -6))));
      counts.set(power, (counts.get(power) ?? 0) + 1);
    }
  }
  const powers = [...counts.keys()].sort((a, b) => a - b);
  return { bins: powers.map((power) => ({ low: 2 ** power, high: 2 ** (power + 1), values: counts.get(power)! })), infinite };
}

export function Histogram({ packed }: { readonly packed: PackedTensor }) {
  const [units, setUnits] = useState<Float32Array | null>(null);
  useEffect(() => {
    void unpacked(packed).then((tensor) => setUnits(tensor.units));
  }, [packed]);
  if (!units) return null;
  const { faithful, drift } = first.words.edges;
  const all = bins(units);
  return (
    <Chart
      title="Errors in noise units"
      mark={`${packed.output} ${units.length}`}
      says={`${count(units.length)} values${all.infinite ? `, ${count(all.infinite)} of them infinite or NaN, which are not in the plot` : ""}. Lines: ${faithful}, the edge of faithful, and ${drift}, the edge of drift.`}
      columns={["from", "to", "values"]}
      rows={all.bins.map(({ low, high, values }) => ({ from: low, to: high, values }))}
      options={() => ({
        height: 180,
        marginLeft: 50,
        x: { type: "log", base: 2, label: "noise units", tickFormat: (value: number) => (value >= 1 ? count(value) : `1/${1 / value}`), ticks: 8, domain: [Math.min(2 ** -6, all.bins[0]?.low ?? 1), Math.max(drift * 4, all.bins[all.bins.length - 1]?.high ?? 1)] },
        y: { label: "values", grid: true },
        marks: [
          Plot.rectY(all.bins, { x1: "low", x2: "high", y: "values", fill: "var(--accent)" }),
          Plot.ruleX([faithful, drift], { stroke: "var(--bad)", strokeDasharray: "4 3" }),
          Plot.text([faithful, drift], { x: (edge: number) => edge, text: (edge: number) => String(edge), frameAnchor: "top", dx: 4, textAnchor: "start", fill: "currentColor" }),
          Plot.ruleY([0]),
        ],
      })}
    />
  );
}
