/** The data that Python writes into the page. Everything here is text, numbers, lists and records: never markup. */

export interface OutcomeWord {
  readonly name: string;
  readonly passes: boolean;
  readonly calm: boolean;
  readonly harm: string;
  readonly meaning: string;
  readonly happens?: string;
  readonly loud?: string;
}

export interface Word {
  readonly name: string;
  readonly meaning: string;
}

export interface Words {
  readonly outcomes: readonly OutcomeWord[];
  readonly judgements: readonly Word[];
  readonly answers: readonly Word[];
  readonly metrics: readonly (readonly [string, string])[];
  readonly picture: readonly (readonly [string, string])[];
  readonly edges: { readonly faithful: number; readonly drift: number };
}

export interface Condition {
  readonly layers: string;
  readonly words: string;
  readonly text: string;
  readonly sure: boolean;
  readonly axes: readonly string[];
  readonly failing?: number;
  readonly passing?: number;
}

export interface Note {
  readonly id: string;
  readonly outcome?: string;
  readonly reason: string;
  readonly link: string | null;
}

/** A defect of a run, or a group of changes between two. */
export interface Cause {
  readonly answer?: string;
  readonly hop: string;
  readonly outcome: string;
  readonly harm: string;
  readonly layers: readonly string[];
  readonly conditions: readonly Condition[];
  readonly hidden: number;
  readonly before?: string;
  readonly message: string;
  readonly at?: string;
  readonly accepted?: string;
  readonly cases: number;
  readonly results: number;
  readonly units: number | string | null;
  readonly unexpected: number;
  readonly notes: readonly Note[];
  readonly smallest: string;
  readonly route: string;
}

export interface NewCause extends Cause {
  readonly place: number;
}

export interface RouteShare {
  readonly route: string;
  readonly dialect: string;
  readonly results: number;
  readonly agree: number;
  readonly failed: number;
  readonly expected: number;
  readonly main: boolean;
  readonly share: string;
}

export interface RunFacts {
  readonly command: string;
  readonly started: string;
  readonly finished: string | null;
  readonly seconds: number | null;
  readonly floor: number;
  readonly owed: number;
  readonly results: number;
  /** A sentence about results that were not owed; '' if there are none. */
  readonly beside: string;
  readonly unwalked: number;
  readonly lost: number;
  readonly lost_first: readonly (readonly [string, string])[];
  readonly unavailable: readonly { readonly name: string; readonly reason: string }[];
  readonly busy: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly options: Readonly<Record<string, unknown>>;
}

export interface HistoryPoint {
  readonly name: string;
  readonly started: string;
  readonly results: number;
  readonly outcomes: Readonly<Record<string, number>>;
  readonly judgements: Readonly<Record<string, number>>;
  readonly seconds: number | null;
}

/** What the first screen shows; the parts that are there depend on `kind`. */
export interface First {
  readonly kind: "run" | "difference" | "matrix";
  readonly title: string;
  readonly words: Words;
  readonly verdict: string;
  readonly good: boolean;
  /** When a run that goes on was looked at; empty, or not there, for what has ended. */
  readonly running?: string;
  readonly sentence: string;
  readonly judgements: Readonly<Record<string, number>>;
  readonly counts: readonly { readonly name: string; readonly count: number }[];
  readonly defects: string;
  readonly new: readonly NewCause[];
  readonly routes: readonly RouteShare[];
  readonly run: RunFacts;
  readonly trackers: Readonly<Record<string, string>>;
  readonly history: readonly HistoryPoint[];
  readonly base?: string;
  /** The heading of the first card; `May I merge?` unless it is said. */
  readonly question?: string;
  readonly remarks?: readonly string[];
}

type Column = readonly number[];
type Measures = readonly (number | string | null)[];

export interface RawIndex {
  readonly chunk: number;
  readonly routes: readonly string[];
  readonly parts: readonly string[];
  readonly blames: readonly string[];
  readonly messages: readonly string[];
  readonly profiles: readonly string[];
  readonly keys: readonly string[];
  readonly values: readonly string[];
  readonly facts: readonly number[];
  readonly layers: readonly { readonly dialect: string; readonly name: string; readonly group: string }[];
  readonly shapes: readonly (readonly number[])[];
  readonly settings: Column;
  readonly cases: { readonly id: readonly string[]; readonly layer: Column; readonly shape: Column };
  readonly stages: {
    readonly artifact: Column;
    readonly hop: Column;
    readonly runtime: Column;
    readonly outcome: Column;
    readonly units: Measures;
    readonly seconds: Measures;
  };
  readonly results: {
    readonly case: Column;
    readonly route: Column;
    readonly profile: Column;
    readonly outcome: Column;
    readonly judgement: Column;
    readonly answer: Column;
    readonly defect: Column;
    readonly blame: Column;
    readonly note: Column;
    readonly message: Column;
    readonly fault: Column;
    readonly stages: readonly Column[];
  };
  readonly notes: readonly Note[];
  readonly defects: readonly Cause[];
}

export interface StageDetail {
  readonly artifact: string;
  readonly outcome: string;
  readonly hop?: string;
  readonly runtime?: string;
  readonly seconds?: number | string;
  readonly message?: string;
  readonly where?: string;
  readonly picture?: readonly string[];
  readonly log?: readonly number[];
  readonly kept?: boolean;
  readonly evidence?: number;
  readonly [metric: string]: unknown;
}

export interface ResultDetail {
  readonly stages: readonly number[];
  readonly message?: string;
  readonly recorded?: { readonly stage: number; readonly cells: string };
  readonly replay?: string;
  readonly task?: Readonly<Record<string, unknown>>;
}

export interface Chunk {
  readonly cases: readonly (readonly ResultDetail[])[];
  readonly stages: readonly StageDetail[];
}

export interface GraphNode {
  readonly id: string;
  readonly op: string;
  readonly layer: string;
  readonly from: readonly string[];
  readonly attributes: Readonly<Record<string, string>>;
  readonly shape: readonly number[] | null;
  readonly local: number | string | null;
  readonly propagated: number | string | null;
}

export interface ModelGraph {
  readonly kind: "onnx" | "torch" | "keras";
  readonly nodes: readonly GraphNode[];
}

export interface PackedTensor {
  readonly output: string;
  readonly sample: number;
  readonly shape: readonly number[];
  readonly from: readonly number[];
  readonly size: readonly number[];
  readonly expected: string;
  readonly actual: string;
  readonly scale: string | number;
}

export interface Evidence {
  readonly note?: string;
  readonly tensor?: PackedTensor;
  readonly graph?: ModelGraph;
}
