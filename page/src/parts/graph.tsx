/** A directed graph as a drawing: boxes that can be selected, arrow keys that follow the edges. */

import dagre from "@dagrejs/dagre";
import { useId, useMemo, useRef } from "preact/hooks";

export interface Box {
  readonly id: string;
  readonly from: readonly string[];
  readonly title: string;
  readonly below: string;
  /** A custom property that fills the box, such as `--divergent`; its ink is `--divergent-ink`. */
  readonly fill: string;
  readonly words: string;
  readonly selected: boolean;
  readonly marked?: boolean;
  readonly dim?: boolean;
}

interface Props {
  readonly label: string;
  readonly boxes: readonly Box[];
  readonly across: boolean;
  readonly width?: number;
  readonly onSelect: (id: string) => void;
}

const HEIGHT = 44;

interface Placed {
  readonly width: number;
  readonly height: number;
  readonly at: ReadonlyMap<string, { readonly x: number; readonly y: number }>;
  readonly edges: readonly { readonly key: string; readonly path: string }[];
}

function placed(boxes: readonly Box[], across: boolean, width: number): Placed {
  const graph = new dagre.graphlib.Graph();
  graph.setGraph({ rankdir: across ? "LR" : "TB", nodesep: 12, ranksep: across ? 34 : 22, marginx: 6, marginy: 6 });
  graph.setDefaultEdgeLabel(() => ({}));
  const known = new Set(boxes.map((box) => box.id));
  for (const box of boxes) graph.setNode(box.id, { width, height: HEIGHT });
  for (const box of boxes) for (const from of box.from) if (known.has(from)) graph.setEdge(from, box.id);
  dagre.layout(graph);
  const at = new Map(boxes.map((box) => [box.id, graph.node(box.id) as { x: number; y: number }]));
  const edges = graph.edges().map((edge) => {
    const points = (graph.edge(edge) as { points: { x: number; y: number }[] }).points;
    return { key: `${edge.v} ${edge.w}`, path: points.map((point, place) => `${place ? "L" : "M"}${point.x.toFixed(1)},${point.y.toFixed(1)}`).join("") };
  });
  const size = graph.graph() as { width?: number; height?: number };
  return { width: size.width ?? 0, height: size.height ?? 0, at, edges };
}

const cut = (text: string, most: number): string => (text.length <= most ? text : `${text.slice(0, most - 1)}\u2026`);

export function Graph({ label, boxes, across, width = 168, onSelect }: Props) {
  const shape = boxes.map((box) => `${box.id}<${box.from.join(",")}`).join(";");
  const layout = useMemo(() => placed(boxes, across, width), [shape, across, width]);
  const tip = useId();
  const drawing = useRef<SVGSVGElement>(null);
  const letters = Math.floor((width - 18) / 7.6);
  const current = boxes.find((box) => box.selected)?.id ?? boxes[0]?.id;
  const press = (event: KeyboardEvent, box: Box) => {
    const next = boxes.filter((other) => other.from.includes(box.id)).map((other) => other.id);
    const beside = boxes.filter((other) => other.id !== box.id && other.from.some((id) => box.from.includes(id))).map((other) => other.id);
    const [forward, back, before, after] = across ? ["ArrowRight", "ArrowLeft", "ArrowUp", "ArrowDown"] : ["ArrowDown", "ArrowUp", "ArrowLeft", "ArrowRight"];
    const known = new Set(boxes.map((other) => other.id));
    const to = { [forward]: next[0], [back]: box.from.find((id) => known.has(id)), [before]: beside[0], [after]: beside[beside.length - 1] }[event.key];
    if (event.key === "Enter" || event.key === " ") onSelect(box.id);
    else if (to) {
      onSelect(to);
      setTimeout(() => drawing.current?.querySelector<SVGGElement>(`[data-node="${CSS.escape(to)}"]`)?.focus());
    } else return;
    event.preventDefault();
  };
  return (
    <div class="drawing" tabIndex={-1}>
      <svg ref={drawing} role="group" aria-label={label} width={layout.width} height={layout.height} viewBox={`0 0 ${layout.width} ${layout.height}`}>
        <defs>
          <marker id={tip} viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto-start-reverse">
            <path d="M0,0L8,4L0,8z" class="tip" />
          </marker>
        </defs>
        {layout.edges.map(({ key, path }) => (
          <path key={key} d={path} class="edge" marker-end={`url(#${tip})`} />
        ))}
        {boxes.map((box) => {
          const at = layout.at.get(box.id);
          if (!at) return null;
          return (
            <g
              key={box.id}
              role="button"
              data-node={box.id}
              tabindex={box.id === current ? 0 : -1}
              aria-pressed={box.selected}
              aria-label={box.words}
              class={`node${box.selected ? " selected" : ""}${box.marked ? " marked" : ""}${box.dim ? " dim" : ""}`}
              transform={`translate(${at.x - width / 2},${at.y - HEIGHT / 2})`}
              onClick={() => onSelect(box.id)}
              onKeyDown={(event) => press(event, box)}
            >
              <title>{box.words}</title>
              <rect width={width} height={HEIGHT} rx="5" style={{ fill: `var(${box.fill})` }} />
              <text x="9" y="18" style={{ fill: `var(${box.fill}-ink)` }} class="name">
                {cut(`${box.marked ? "\u2717 " : ""}${box.title}`, letters)}
              </text>
              <text x="9" y="35" style={{ fill: `var(${box.fill}-ink)` }}>
                {cut(box.below, letters + 4)}
              </text>
            </g>
          );
        })}
      </svg>
    </div>
  );
}
