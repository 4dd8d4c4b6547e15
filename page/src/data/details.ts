/** What one case did in detail: its chunk, and the evidence and logs of its stages. */

import { block } from "./blocks";
import type { Index } from "./index";
import type { Chunk, Evidence, ResultDetail, StageDetail } from "./types";

export interface Walked {
  readonly row: number;
  readonly result: ResultDetail;
  readonly stages: readonly StageDetail[];
}

/** The results of a case, by row of the index. */
export async function walked(index: Index, place: number): Promise<Walked[]> {
  const chunk = await block<Chunk>(`chunk-${Math.floor(place / index.raw.chunk)}`);
  const results = chunk.cases[place % index.raw.chunk];
  return index.rowsOf(place).map((row, offset) => {
    const result = results[offset];
    return { row, result, stages: result.stages.map((stage) => chunk.stages[stage]) };
  });
}

export const evidenceOf = (stage: StageDetail): Promise<Evidence> | null =>
  stage.evidence === undefined ? null : block<Evidence>(`evidence-${stage.evidence}`);

export async function logOf(stage: StageDetail): Promise<string> {
  const lines = await block<readonly string[]>("lines");
  return (stage.log ?? []).map((place) => lines[place]).join("\n");
}
