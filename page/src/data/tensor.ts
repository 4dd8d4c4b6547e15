/** The tensor of a stage's evidence: what was expected, what came, and the error in noise units. */

import { bytesOf, inflated } from "./blocks";
import type { PackedTensor } from "./types";

export interface Tensor {
  readonly output: string;
  readonly sample: number;
  readonly shape: readonly number[];
  readonly from: readonly number[];
  readonly size: readonly number[];
  readonly expected: Float32Array;
  readonly actual: Float32Array;
  readonly units: Float32Array;
}

export async function unpacked(packed: PackedTensor): Promise<Tensor> {
  const [expected, actual, scale] = await Promise.all([
    floats(packed.expected),
    floats(packed.actual),
    typeof packed.scale === "number" ? packed.scale : floats(packed.scale),
  ]);
  const units = Float32Array.from(expected, (value, place) => unitsOf(value, actual[place], typeof scale === "number" ? scale : scale[place]));
  return { ...packed, expected, actual, units };
}

async function floats(text: string): Promise<Float32Array> {
  return new Float32Array(await inflated(bytesOf(text), "deflate").arrayBuffer());
}

/** Equal values, two NaN among them, are 0 units apart; NaN or infinity in one of them only is infinite. */
function unitsOf(expected: number, actual: number, scale: number): number {
  if (Object.is(expected, actual) || expected === actual) return 0;
  const error = Math.abs(actual - expected);
  return Number.isFinite(error) ? error / scale : Infinity;
}

/** Place of the largest error. */
export function worst(tensor: Tensor): number {
  let place = 0;
  tensor.units.forEach((units, at) => {
    if (units > tensor.units[place]) place = at;
  });
  return place;
}

/** Index along each axis of a place in C order, within the block. */
export function unravel(place: number, size: readonly number[]): number[] {
  const index = new Array<number>(size.length);
  let rest = place;
  for (let axis = size.length - 1; axis >= 0; axis -= 1) {
    index[axis] = rest % size[axis];
    rest = Math.floor(rest / size[axis]);
  }
  return index;
}

export function ravel(index: readonly number[], size: readonly number[]): number {
  return index.reduce((place, at, axis) => place * size[axis] + at, 0);
}

/** The two axes that make an image: height and width of images, else the last two; a vector has one row. */
export function imageAxes(size: readonly number[]): readonly [number, number] {
  if (size.length >= 4) return [size.length - 3, size.length - 2];
  return [size.length - 2, size.length - 1];
}
