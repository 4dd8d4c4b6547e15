/** The ways of one case as a tree: each stage once, though several routes go through it. */

import type { Walked } from "../data/details";
import type { Index } from "../data/index";
import { asNumber } from "../data/grades";
import { go, view } from "../view/address";
import { seconds, units } from "../view/numbers";
import { Graph, type Box } from "./graph";

export function Chain({ index, all, row }: { readonly index: Index; readonly all: readonly Walked[]; readonly row: number }) {
  const boxes = new Map<string, Box>();
  /** For each stage the route that ends there, or else one that goes through it. */
  const through = new Map<string, string>();
  const ending = new Map<string, string>();
  for (const { row: own, stages } of all) {
    const fault = index.raw.results.fault[own];
    let path = "";
    stages.forEach((stage, place) => {
      const before = path;
      path = place ? `${path}\u0000${stage.hop}` : stage.artifact;
      const mine = own === row;
      (place === stages.length - 1 ? ending : through).set(path, index.route(own));
      if (boxes.has(path) && !mine) return;
      const error = asNumber(stage.units as number | string | undefined);
      const time = asNumber(stage.seconds);
      boxes.set(path, {
        id: path,
        from: before ? [before] : [],
        title: `${place ? `${stage.hop} \u2192 ` : ""}${stage.artifact}`,
        below: `${stage.outcome}${Number.isNaN(error) ? "" : ` ${units(error)}`}${Number.isNaN(time) ? "" : `, ${seconds(time)}`}`,
        fill: `--${stage.outcome}`,
        words: `${stage.hop ?? "source"} makes ${stage.artifact}${stage.runtime ? `, run in ${stage.runtime}` : ", not run"}: ${stage.outcome}${Number.isNaN(error) ? "" : `, ${units(error)}`}${place === fault ? ", at fault" : ""}`,
        selected: mine,
        marked: place === fault,
        dim: !mine,
      });
    });
  }
  const list = [...boxes.values()];
  return <Graph label="Stages of the routes of this case" boxes={list} across width={218} onSelect={(id) => go({ ...view.value, on: ending.get(id) ?? through.get(id)! })} />;
}
