/** The data of a version matrix, as `parity matrix --json` has it, with lines in words. */

export interface LegsAlong {
  readonly component: string;
  readonly words: string;
  readonly cases: readonly { readonly case: string; readonly turns: readonly { readonly version: string; readonly state: string }[] }[];
}

export interface LegsLayer {
  readonly dialect: string;
  readonly layer: string;
  readonly changes: boolean;
  readonly legs: Readonly<Record<string, { readonly state: string; readonly worst: string | null; readonly good: number; readonly bad: number }>>;
  readonly along: readonly LegsAlong[];
}

export interface LegsDefect {
  readonly id: string;
  readonly hop: string;
  readonly outcome: string;
  /** Whether an expectation foresees it, whose id it has. */
  readonly expected: boolean;
  readonly layers: readonly string[];
  readonly condition: string;
  readonly message: string;
  readonly changes: boolean;
  readonly legs: Readonly<Record<string, { readonly state: string; readonly shows: number; readonly gone: number; readonly otherwise: number }>>;
  readonly along: readonly LegsAlong[];
}

export interface Legs {
  readonly components: readonly string[];
  readonly legs: readonly { readonly name: string; readonly started: string; readonly versions: Readonly<Record<string, string>>; readonly results: number }[];
  readonly chains: readonly {
    readonly chain: string;
    readonly needs: readonly string[];
    readonly walked: readonly string[];
    readonly heading: string;
    readonly counts: string;
    readonly layers: readonly LegsLayer[];
  }[];
  readonly defects: readonly LegsDefect[];
  readonly findings: readonly LegsDefect[];
  readonly news: { readonly sentence: string } | null;
  readonly news_lines: readonly string[];
  readonly asked_line: string;
  readonly pin_lines: readonly string[];
  readonly closing: readonly string[];
}
