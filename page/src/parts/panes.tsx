/** The graphs of a route side by side: a node selected in one selects in all what came from the same layer or node. */

import { useEffect, useState } from "preact/hooks";
import { asNumber, grade } from "../data/grades";
import type { GraphNode, ModelGraph, StageDetail } from "../data/types";
import { evidenceOf } from "../data/details";
import { units as inUnits } from "../view/numbers";
import { Said } from "./bits";
import { Graph, type Box } from "./graph";

const NAMES: Readonly<Record<ModelGraph["kind"], string>> = { keras: "Keras", onnx: "ONNX", torch: "torch" };
/** Larger graphs show what lies around the selected node. */
const WHOLE = 30;
const AROUND = 3;

interface Pane {
  readonly stage: StageDetail;
  readonly graph: ModelGraph;
}

/** The node that was selected, and its pane. */
interface Chosen {
  readonly place: number;
  readonly id: string;
}

/** Names of the nodes and layers that belong to the selected node. */
interface Kin {
  readonly ids: ReadonlySet<string>;
  readonly layers: ReadonlySet<string>;
}

/**
 * What belongs to a node: all of its layer, in each pane. A node without a layer is found in another pane by its name,
 * which converters often keep, and from there by the layer that it has there.
 */
function kin(panes: readonly Pane[], chosen: Chosen): Kin {
  const ids = new Set([chosen.id]);
  const layers = new Set<string>();
  const nodes = panes.flatMap((pane) => pane.graph.nodes);
  for (let size = -1; size < ids.size + layers.size; ) {
    size = ids.size + layers.size;
    for (const node of nodes) {
      if (!ids.has(node.id) && !(node.layer && layers.has(node.layer))) continue;
      ids.add(node.id);
      if (node.layer) layers.add(node.layer);
    }
  }
  return { ids, layers };
}

export function Panes({ stages, fault }: { readonly stages: readonly StageDetail[]; readonly fault: number }) {
  const [panes, setPanes] = useState<readonly Pane[] | null>(null);
  const [chosen, choose] = useState<Chosen>({ place: -1, id: "" });
  useEffect(() => {
    let left = false;
    void Promise.all(stages.map(async (stage) => ({ stage, graph: (await evidenceOf(stage))?.graph }))).then((all) => {
      if (left) return;
      const known = all.filter((each): each is Pane => each.graph !== undefined && each.graph.nodes.length > 0);
      setPanes(known);
      const blamed = known.findIndex((each) => each.stage === stages[fault]);
      const at = blamed < 0 ? known.length - 1 : blamed;
      if (known[at]) choose({ place: at, id: worst(known[at].graph).id });
    });
    return () => {
      left = true;
    };
  }, [stages, fault]);
  if (!panes) return <p class="quiet">Reading the graphs.</p>;
  if (!panes.length) return <p>No graph was kept of this result.</p>;
  const related = kin(panes, chosen);
  return (
    <>
      <p class="quiet">
        Colour: error of a node that is fed the right inputs, in noise units; grey was not measured. Select a node, or move with the
        arrow keys: all panes show what came from the same layer, or has the same name.
      </p>
      <div class="panes">
        {panes.map((pane, place) => (
          <PaneView key={place} pane={pane} place={place} chosen={chosen} related={related} blamed={pane.stage === stages[fault]} onChoose={choose} />
        ))}
      </div>
    </>
  );
}

function worst(graph: ModelGraph): GraphNode {
  const error = (node: GraphNode) => asNumber(node.local ?? node.propagated);
  return graph.nodes.reduce((best, node) => (error(node) > (error(best) || 0) ? node : best), graph.nodes[graph.nodes.length - 1]);
}

interface PaneProps {
  readonly pane: Pane;
  readonly place: number;
  readonly chosen: Chosen;
  readonly related: Kin;
  readonly blamed: boolean;
  readonly onChoose: (chosen: Chosen) => void;
}

function PaneView({ pane, place, chosen, related, blamed, onChoose }: PaneProps) {
  const [all, setAll] = useState(false);
  const { nodes, kind } = pane.graph;
  const isOf = (node: GraphNode) => related.ids.has(node.id) || (node.layer !== "" && related.layers.has(node.layer));
  const selected = nodes.filter(isOf);
  const shown = all || nodes.length <= WHOLE ? nodes : around(nodes, selected.length ? selected : nodes.slice(-1));
  const culprit = blamed ? worst(pane.graph).id : "";
  const boxes = shown.map((node): Box => {
    const error = asNumber(node.local ?? node.propagated);
    return {
      id: node.id,
      from: node.from,
      title: node.op,
      below: node.layer && node.layer !== node.id ? `${node.layer} ${shapeOf(node)}` : `${node.id} ${shapeOf(node)}`,
      fill: Number.isNaN(error) ? "--plain" : `--p${grade(error)}`,
      words: `${node.op} ${node.id}${node.layer ? `, layer ${node.layer}` : ""}${Number.isNaN(error) ? ", error not measured" : `, ${inUnits(error)}`}`,
      selected: isOf(node),
      marked: node.id === culprit,
    };
  });
  const shownNode = (place === chosen.place ? selected.find((node) => node.id === chosen.id) : undefined) ?? selected[0];
  return (
    <section class="pane" aria-label={`Graph of ${NAMES[kind]}`}>
      <h4>
        {NAMES[kind]} {pane.stage.hop ? <small>by {pane.stage.hop}</small> : null} {blamed ? <b class="bad">{"\u2717"} at fault</b> : null}
        {nodes.length > WHOLE ? (
          <button type="button" class="small" aria-pressed={all} onClick={() => setAll(!all)}>
            {all ? "Around the node" : `All ${nodes.length} nodes`}
          </button>
        ) : null}
      </h4>
      <Graph label={`${NAMES[kind]} graph`} boxes={boxes} across={false} onSelect={(id) => onChoose({ place, id })} />
      {shownNode ? <Node node={shownNode} /> : <p class="quiet">Nothing here came from this layer.</p>}
    </section>
  );
}

const shapeOf = (node: GraphNode): string => (node.shape ? `[${node.shape.join(", ")}]` : "");

function around(nodes: readonly GraphNode[], centre: readonly GraphNode[]): GraphNode[] {
  const near = new Set(centre.map((node) => node.id));
  for (let step = 0; step < AROUND; step += 1) {
    const edge = new Set(near);
    for (const node of nodes) {
      if (edge.has(node.id)) node.from.forEach((id) => near.add(id));
      if (node.from.some((id) => edge.has(id))) near.add(node.id);
    }
  }
  return nodes.filter((node) => near.has(node.id));
}

function Node({ node }: { readonly node: GraphNode }) {
  const rows: readonly (readonly [string, string])[] = [
    ["node", node.id],
    ["operator", node.op],
    ["from layer", node.layer],
    ["shape", shapeOf(node)],
    ["local error", inUnits(asNumber(node.local))],
    ["propagated error", inUnits(asNumber(node.propagated))],
    ["inputs", node.from.join(", ")],
    ...Object.entries(node.attributes),
  ];
  return (
    <table class="plain node-facts" aria-live="polite">
      <tbody>
        {rows
          .filter(([, text]) => text)
          .map(([name, text]) => (
            <tr key={name}>
              <th scope="row"><Said text={name} /></th>
              <td><Said text={text} /></td>
            </tr>
          ))}
      </tbody>
    </table>
  );
}
