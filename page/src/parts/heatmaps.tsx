/** A tensor as three heat maps in its real resolution: expected, got, difference; slices to step through. */

import { useEffect, useRef, useState } from "preact/hooks";
import { grade, GRADES } from "../data/grades";
import { imageAxes, ravel, unpacked, unravel, worst, type Tensor } from "../data/tensor";
import type { PackedTensor } from "../data/types";
import { short, units as inUnits } from "../view/numbers";

const SIDE = 300;
const KINDS = ["expected", "actual", "units"] as const;
type Kind = (typeof KINDS)[number];
const NAMES: Readonly<Record<Kind, string>> = { expected: "Expected", actual: "Got", units: "Difference, in noise units" };

export function HeatMaps({ packed }: { readonly packed: PackedTensor }) {
  const [tensor, setTensor] = useState<Tensor | null>(null);
  useEffect(() => {
    void unpacked(packed).then(setTensor);
  }, [packed]);
  return tensor ? <Maps tensor={tensor} /> : <p class="quiet">Reading the tensor.</p>;
}

/** A tensor of at least two axes: a vector becomes one row. */
function squared(tensor: Tensor): Tensor {
  const more = Math.max(0, 2 - tensor.size.length);
  const ones = new Array<number>(more).fill(1);
  return { ...tensor, size: [...ones, ...tensor.size], from: [...ones.map(() => 0), ...tensor.from] };
}

function Maps({ tensor: given }: { readonly tensor: Tensor }) {
  const tensor = squared(given);
  const lost = tensor.size.length - given.size.length;
  const [axes, setAxes] = useState(imageAxes(tensor.size));
  const [at, setAt] = useState(() => unravel(worst(tensor), tensor.size));
  const place = ravel(at, tensor.size);
  const [rows, columns] = axes;
  const rest = tensor.size.map((_, axis) => axis).filter((axis) => axis !== rows && axis !== columns && tensor.size[axis] > 1);
  const move = (axis: number, to: number) => setAt(at.map((old, each) => (each === axis ? Math.max(0, Math.min(tensor.size[axis] - 1, to)) : old)));
  const press = (event: KeyboardEvent) => {
    const step = { ArrowUp: [rows, -1], ArrowDown: [rows, 1], ArrowLeft: [columns, -1], ArrowRight: [columns, 1], PageUp: [rest[0], -1], PageDown: [rest[0], 1] }[event.key];
    if (!step || step[0] === undefined) return;
    event.preventDefault();
    move(step[0], at[step[0]] + step[1]);
  };
  const index = at.slice(lost).map((each, axis) => each + given.from[axis]);
  return (
    <div class="tensor">
      <p class="quiet">
        Output <code>{given.output}</code> of shape [{given.shape.join(", ")}]{given.sample ? ", of the further inputs" : ""}; rows are axis {rows - lost < 0 ? "0" : rows - lost}, columns axis {columns - lost}.
        {" "}
        <button type="button" class="small" onClick={() => setAt(unravel(worst(tensor), tensor.size))}>
          Largest error
        </button>{" "}
        {tensor.size.length > 2 ? (
          <label>
            Show axes{" "}
            <select value={axes.join(",")} onChange={(event) => setAxes(event.currentTarget.value.split(",").map(Number) as [number, number])}>
              {pairs(tensor.size).map(([a, b]) => (
                <option key={`${a},${b}`} value={`${a},${b}`}>
                  {a} {"\u00d7"} {b} ({tensor.size[a]} {"\u00d7"} {tensor.size[b]})
                </option>
              ))}
            </select>
          </label>
        ) : null}
      </p>
      {rest.map((axis) => (
        <label key={axis} class="slice">
          Axis {axis - lost}: {at[axis] + given.from[axis - lost]}
          <input type="range" aria-label={`Slice of axis ${axis - lost}`} min={0} max={tensor.size[axis] - 1} value={at[axis]} onInput={(event) => move(axis, event.currentTarget.valueAsNumber)} />
        </label>
      ))}
      <p class="value" role="status" aria-live="polite">
        <code>
          {given.output}[{index.join(", ")}]
        </code>{" "}
        expected <b>{exact(tensor.expected[place])}</b>, got <b>{exact(tensor.actual[place])}</b>, difference <b>{short(tensor.actual[place] - tensor.expected[place])}</b>, <b>{inUnits(tensor.units[place]) || "no units"}</b>
      </p>
      <div class="maps" role="group" tabIndex={0} aria-label="Heat maps of the slice; arrow keys move the cursor" onKeyDown={press}>
        {KINDS.map((kind) => (
          <Map key={kind} kind={kind} tensor={tensor} axes={axes} at={at} onPoint={(row, column) => setAt(at.map((old, axis) => (axis === rows ? row : axis === columns ? column : old)))} />
        ))}
      </div>
      <p class="keys">
        Noise units:{" "}
        {GRADES.map((text, each) => (
          <span key={text}>
            <i class={`swatch p${each}`} /> {text}
          </span>
        ))}
      </p>
    </div>
  );
}

const exact = (value: number): string => (Number.isFinite(value) ? String(Number(value.toPrecision(9))) : String(value));

function pairs(size: readonly number[]): (readonly [number, number])[] {
  const all: (readonly [number, number])[] = [];
  for (let a = 0; a < size.length; a += 1) for (let b = a + 1; b < size.length; b += 1) all.push([a, b]);
  return all;
}

interface MapProps {
  readonly kind: Kind;
  readonly tensor: Tensor;
  readonly axes: readonly [number, number];
  readonly at: readonly number[];
  readonly onPoint: (row: number, column: number) => void;
}

function Map({ kind, tensor, axes, at, onPoint }: MapProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [rows, columns] = axes;
  const [height, width] = [tensor.size[rows], tensor.size[columns]];
  const scale = Math.max(1, Math.min(28, Math.floor(SIDE / Math.max(height, width))));
  const fixed = at.map((each, axis) => (axis === rows || axis === columns ? 0 : each)).join(",");
  const range = spread(tensor);
  useEffect(() => {
    const paper = canvas.current?.getContext("2d");
    if (!paper || !canvas.current) return;
    const image = paper.createImageData(width, height);
    const style = getComputedStyle(canvas.current);
    const grades = GRADES.map((_, place) => rgb(style.getPropertyValue(`--p${place}`)));
    const index = [...at];
    for (let row = 0; row < height; row += 1) {
      for (let column = 0; column < width; column += 1) {
        index[rows] = row;
        index[columns] = column;
        const value = tensor[kind][ravel(index, tensor.size)];
        const colour = kind === "units" ? grades[grade(value)] : ramp(value, range);
        image.data.set([...colour, 255], 4 * (row * width + column));
      }
    }
    paper.putImageData(image, 0, 0);
  }, [tensor, kind, rows, columns, fixed]);
  const point = (event: PointerEvent) => {
    const box = canvas.current!.getBoundingClientRect();
    onPoint(
      Math.max(0, Math.min(height - 1, Math.floor(((event.clientY - box.top) / box.height) * height))),
      Math.max(0, Math.min(width - 1, Math.floor(((event.clientX - box.left) / box.width) * width))),
    );
  };
  return (
    <figure>
      <figcaption>{NAMES[kind]}</figcaption>
      <div class="paper" style={{ width: `${width * scale}px`, aspectRatio: `${width} / ${height}` }}>
        <canvas ref={canvas} width={width} height={height} role="img" aria-label={`${NAMES[kind]}, ${height} rows of ${width}`} onPointerMove={point} onPointerDown={point} />
        <i class="cursor" style={{ left: `${(100 * at[columns]) / width}%`, top: `${(100 * at[rows]) / height}%`, width: `${100 / width}%`, height: `${100 / height}%` }} />
      </div>
      {kind === "units" ? null : (
        <small>
          from {short(range[0])} to {short(range[1])}
        </small>
      )}
    </figure>
  );
}

/** The smallest and the largest finite value of what was expected and what came. */
function spread(tensor: Tensor): readonly [number, number] {
  let [low, high] = [Infinity, -Infinity];
  for (const values of [tensor.expected, tensor.actual]) {
    for (const value of values) {
      if (!Number.isFinite(value)) continue;
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
  }
  return low <= high ? [low, high] : [0, 0];
}

/** Viridis at five places; NaN is grey. Its lightness grows throughout, so that it reads without colour. */
const VIRIDIS: readonly (readonly [number, number, number])[] = [[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]];

function ramp(value: number, [low, high]: readonly [number, number]): readonly number[] {
  if (Number.isNaN(value)) return [128, 128, 128];
  const share = high > low ? Math.max(0, Math.min(1, (value - low) / (high - low))) * 4 : 2;
  const place = Math.min(3, Math.floor(share));
  return [0, 1, 2].map((each) => Math.round(VIRIDIS[place][each] + (share - place) * (VIRIDIS[place + 1][each] - VIRIDIS[place][each])));
}

function rgb(colour: string): readonly number[] {
  const hex = colour.trim().replace("#", "");
  return [0, 2, 4].map((at) => parseInt(hex.slice(at, at + 2), 16));
}
