/** The whole page: the verdict on top, tabs, and the screen that the address names. */

import { useEffect, useRef } from "preact/hooks";
import { CaseScreen } from "../screens/case";
import { CasesScreen } from "../screens/cases";
import { DefectsScreen } from "../screens/defects";
import { LegsScreen, LegsSummary, LegsDefects } from "../screens/legs";
import { MatrixScreen } from "../screens/matrix";
import { PlotsScreen } from "../screens/plots";
import { SummaryScreen } from "../screens/summary";
import { WordsScreen } from "../screens/words";
import { go, TABS, view, type Tab } from "../view/address";
import { first, tone, trouble } from "../view/state";
import { To } from "./bits";
import { Keys } from "./keys";

const NAMES: Readonly<Record<Tab, string>> = {
  summary: "Summary",
  matrix: "Matrix",
  cases: "Cases",
  defects: first.kind === "difference" ? "Changes" : "Defects",
  plots: "Plots",
  words: "Words",
};
const SHOWN: readonly Tab[] = first.kind === "matrix" ? ["summary", "matrix", "defects", "words"] : TABS;

const SIGNS = { good: "\u2713", bad: "\u2717", known: "\u2026" } as const;

export function App() {
  const now = view.value;
  const heading = useRef<HTMLElement>(null);
  const before = useRef(now.case);
  useEffect(() => {
    if (before.current !== now.case) heading.current?.focus({ preventScroll: true });
    before.current = now.case;
  }, [now.case]);
  return (
    <>
      <a class="skip" href="#main" onClick={(event) => { event.preventDefault(); heading.current?.focus(); }}>
        Skip to the content
      </a>
      <header class="top">
        <h1>
          <span class="name">{first.kind === "matrix" ? "Parity matrix" : first.kind === "difference" ? "Parity difference" : "Parity report"}</span>
          <strong class={`verdict ${tone()}`}>
            <i aria-hidden="true">{SIGNS[tone()]}</i> {first.verdict}
          </strong>
        </h1>
        <nav aria-label="Parts of the page">
          {SHOWN.map((tab) => (
            <To key={tab} view={{ ...now, tab, case: "", on: "", part: "" }} current={now.tab === tab && !now.case}>
              {NAMES[tab]}
            </To>
          ))}
          <button type="button" class="small help" aria-label="Keyboard" onClick={() => window.dispatchEvent(new Event("keys"))}>
            ?
          </button>
        </nav>
      </header>
      <main id="main" tabIndex={-1} ref={heading}>
        {trouble.value ? <p class="bad" role="alert">{trouble.value}</p> : null}
        <Screen />
      </main>
      <Keys />
    </>
  );
}

function Screen() {
  const now = view.value;
  if (first.kind === "matrix") {
    if (now.tab === "matrix") return <LegsScreen />;
    if (now.tab === "defects") return <LegsDefects />;
    if (now.tab === "words") return <WordsScreen />;
    return <LegsSummary />;
  }
  if (now.case) return <CaseScreen />;
  switch (now.tab) {
    case "matrix":
      return <MatrixScreen />;
    case "cases":
      return <CasesScreen />;
    case "defects":
      return <DefectsScreen />;
    case "plots":
      return <PlotsScreen />;
    case "words":
      return <WordsScreen />;
    default:
      return <SummaryScreen />;
  }
}

/** Where `/` leads: the search field of the screen, or of the cases. */
export function toSearch(): void {
  const field = document.getElementById("search");
  if (field) field.focus();
  else {
    go({ tab: first.kind === "matrix" ? "matrix" : "cases", case: "", on: "", part: "" });
    setTimeout(() => document.getElementById("search")?.focus());
  }
}
