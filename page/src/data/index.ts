/** The index of all results: columns, and questions that they answer. */

import type { Cause, First, Note, RawIndex } from "./types";

export interface Setting {
  readonly key: string;
  readonly value: string;
  readonly fact: boolean;
}

const number = (value: number | string | null): number => (value === null ? NaN : value === "nan" ? Infinity : Number(value));

export class Index {
  readonly count: number;
  readonly units: Float64Array;
  readonly seconds: Float64Array;
  readonly layerOf: Int32Array;
  readonly caseNames: ReadonlyMap<string, number>;
  readonly stageUnits: Float64Array;
  readonly stageSeconds: Float64Array;
  private readonly facts: ReadonlySet<number>;
  private readonly firstSetting: Int32Array;
  private readonly firstResult: Int32Array;
  private haystacks: readonly string[] | null = null;
  private said: readonly string[] | null = null;
  private readonly orders = new Map<string, Int32Array>();

  constructor(
    readonly raw: RawIndex,
    readonly first: First,
  ) {
    const { results, stages, cases } = raw;
    this.count = results.case.length;
    this.stageUnits = Float64Array.from(stages.units, number);
    this.stageSeconds = Float64Array.from(stages.seconds, number);
    this.units = new Float64Array(this.count).fill(NaN);
    this.seconds = new Float64Array(this.count);
    this.layerOf = new Int32Array(this.count);
    for (let row = 0; row < this.count; row += 1) {
      this.layerOf[row] = cases.layer[results.case[row]];
      for (const stage of results.stages[row]) {
        if (!(this.stageUnits[stage] <= this.units[row])) {
          if (!Number.isNaN(this.stageUnits[stage])) this.units[row] = this.stageUnits[stage];
        }
        this.seconds[row] += this.stageSeconds[stage] || 0;
      }
    }
    this.caseNames = new Map(cases.id.map((id, place) => [id, place]));
    this.facts = new Set(raw.facts);
    this.firstSetting = new Int32Array(cases.id.length + 1);
    cases.shape.forEach((shape, place) => {
      this.firstSetting[place + 1] = this.firstSetting[place] + raw.shapes[shape].length;
    });
    this.firstResult = new Int32Array(cases.id.length + 1).fill(this.count);
    for (let row = this.count - 1; row >= 0; row -= 1) this.firstResult[results.case[row]] = row;
  }

  part(place: number): string {
    return place < 0 ? "" : this.raw.parts[place];
  }

  outcome(row: number): string {
    return this.first.words.outcomes[this.raw.results.outcome[row]].name;
  }

  judgement(row: number): string {
    return this.first.words.judgements[this.raw.results.judgement[row]].name;
  }

  answer(row: number): string {
    return this.first.words.answers[this.raw.results.answer[row]].name;
  }

  passes(row: number): boolean {
    return this.first.words.outcomes[this.raw.results.outcome[row]].passes;
  }

  /** The hop at fault, `source`, or what else is blamed; '' if all stages pass. */
  blame(row: number): string {
    const place = this.raw.results.blame[row];
    return place < 0 ? "" : this.raw.blames[place];
  }

  route(row: number): string {
    return this.raw.routes[this.raw.results.route[row]];
  }

  caseId(row: number): string {
    return this.raw.cases.id[this.raw.results.case[row]];
  }

  layer(row: number): RawIndex["layers"][number] {
    return this.raw.layers[this.layerOf[row]];
  }

  note(row: number): Note | null {
    const place = this.raw.results.note[row];
    return place < 0 ? null : this.raw.notes[place];
  }

  message(row: number): string {
    const place = this.raw.results.message[row];
    return place < 0 ? "" : this.raw.messages[place];
  }

  /** The defects, counted from 1. */
  defect(place: number): Cause | null {
    return place > 0 ? (this.raw.defects[place - 1] ?? null) : null;
  }

  /** The rows of one case, in order. */
  rowsOf(place: number): number[] {
    const rows: number[] = [];
    for (let row = this.firstResult[place]; row < this.count && this.raw.results.case[row] === place; row += 1) rows.push(row);
    return rows;
  }

  /** The configuration of a case; what follows from it is a fact. */
  settings(place: number): Setting[] {
    return this.raw.shapes[this.raw.cases.shape[place]].map((key, offset) => ({
      key: this.raw.keys[key],
      value: this.raw.values[this.raw.settings[this.firstSetting[place] + offset]],
      fact: this.facts.has(key),
    }));
  }

  /** Places of keys and values, for counting: the key, and the value at the same position. */
  settingPlaces(place: number): { readonly keys: readonly number[]; readonly values: readonly number[] } {
    const keys = this.raw.shapes[this.raw.cases.shape[place]];
    const start = this.firstSetting[place];
    return { keys, values: this.raw.settings.slice(start, start + keys.length) };
  }

  /** The text of each case in which a search looks, in small letters. */
  get texts(): readonly string[] {
    this.haystacks ??= this.raw.cases.id.map((id, place) => {
      const layer = this.raw.layers[this.raw.cases.layer[place]];
      const config = this.settings(place).map(({ key, value }) => `${key}=${value.replaceAll('"', "")}`);
      return `${id} ${layer.dialect} ${layer.name} ${config.join(" ")}`.toLowerCase();
    });
    return this.haystacks;
  }

  /** The messages in small letters. */
  get lowered(): readonly string[] {
    this.said ??= this.raw.messages.map((text) => text.toLowerCase());
    return this.said;
  }

  /** The place of each row in an order, the largest key first; sorted once, so that a filter need not sort. */
  order(name: string, key: (row: number) => number): Int32Array {
    const known = this.orders.get(name);
    if (known) return known;
    const keys = new Float64Array(this.count);
    const rows = new Uint32Array(this.count);
    for (let row = 0; row < this.count; row += 1) {
      keys[row] = key(row);
      rows[row] = row;
    }
    rows.sort((a, b) => keys[b] - keys[a] || a - b);
    const places = new Int32Array(this.count);
    rows.forEach((row, place) => {
      places[row] = place;
    });
    this.orders.set(name, places);
    return places;
  }

  /** How harmful a row is, for sorting: failed first, then known, then by outcome and units. */
  rank(row: number): number {
    const judged = this.raw.results.judgement[row];
    return judged * 100 + this.raw.results.outcome[row];
  }
}
