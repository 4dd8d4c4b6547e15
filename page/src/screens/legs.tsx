/** The page of a version matrix: runs side by side, layers and defects by leg. */

import { useEffect, useState } from "preact/hooks";
import { block } from "../data/blocks";
import type { Legs, LegsAlong, LegsDefect, LegsLayer } from "../data/legs";
import { Grid, type GridCell, type GridLine } from "../parts/grid";
import { CopyLink, Outcome, Said, To } from "../parts/bits";
import { go, START, view } from "../view/address";
import { count, many } from "../view/numbers";
import { first } from "../view/state";

function useLegs(): Legs | null {
  const [legs, setLegs] = useState<Legs | null>(null);
  useEffect(() => {
    void block<Legs>("legs").then(setLegs);
  }, []);
  return legs;
}

/** The first layers of a defect. */
const layersOf = ({ layers }: LegsDefect): string => (layers.length > 3 ? `${layers.slice(0, 2).join(", ")} and ${layers.length - 2} more` : layers.join(", "));

const Reading = () => <p class="quiet">Reading the matrix.</p>;

export function LegsSummary() {
  const legs = useLegs();
  if (!legs) return <Reading />;
  const changing = legs.defects.filter((each) => each.changes);
  return (
    <div class="summary">
      <section class="card merge" aria-labelledby="since">
        <h2 id="since">Since which version?</h2>
        <p class="sentence">{first.sentence}</p>
        {legs.news ? (
          <>
            <p class={first.good ? "good" : "bad"}>{legs.news.sentence}</p>
            <ul>
              {legs.news_lines.map((line) => (
                <li key={line}><Said text={line} /></li>
              ))}
            </ul>
          </>
        ) : null}
        <h3>{many(changing.length, "defect")} of {count(legs.defects.length)} {changing.length === 1 ? "changes" : "change"}</h3>
        <ol class="news">
          {changing.slice(0, 12).map((each) => (
            <li key={each.id}>
              <Outcome name={each.outcome} /> <b>{each.hop}</b> <b><Said text={layersOf(each)} /></b>{" "}
              <span>{each.along.map((along) => along.words).join("; ") || "differs between legs"}</span>{" "}
              <code><Said text={each.id} /></code>
            </li>
          ))}
        </ol>
        <p>
          <To view={{ ...START, tab: "defects" }}>All defects by leg</To>
        </p>
      </section>
      {legs.asked_line ? (
        <section class="card" aria-labelledby="pin">
          <h2 id="pin">{legs.asked_line}</h2>
          <ul>
            {legs.pin_lines.map((line) => (
              <li key={line}><Said text={line} /></li>
            ))}
            {legs.pin_lines.length ? null : <li>No leg ran one of them.</li>}
          </ul>
        </section>
      ) : null}
      <section class="card" aria-labelledby="legs">
        <h2 id="legs">Which runs are side by side?</h2>
        <div class="scroll" tabIndex={0} role="region" aria-label="Legs">
          <table class="plain">
            <thead>
              <tr>
                <th scope="col">Leg</th>
                {legs.components.map((name) => <th scope="col" key={name}>{name}</th>)}
                <th scope="col">Started</th>
                <th scope="col" class="right">Results</th>
              </tr>
            </thead>
            <tbody>
              {legs.legs.map((leg) => (
                <tr key={leg.name}>
                  <th scope="row"><Said text={leg.name} /></th>
                  {legs.components.map((name) => <td key={name}><Said text={leg.versions[name] ?? "not installed"} /></td>)}
                  <td>{leg.started.slice(0, 16).replace("T", " ")}</td>
                  <td class="right">{count(leg.results)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
        {legs.closing.map((line) => (
          <p class="quiet" key={line}><Said text={line} /></p>
        ))}
      </section>
    </div>
  );
}

/** A search field and a switch that both matrices share. */
function Choices({ chains }: { readonly chains: readonly (readonly [string, string])[] }) {
  const now = view.value;
  return (
    <section class="filters" aria-label="Filters">
      <div class="row">
        <label class="search">
          <span class="away">Search layers and defects</span>
          <input type="search" id="search" placeholder="Search layers, defects  ( / )" value={now.text} onInput={(event) => go({ text: event.currentTarget.value }, { quiet: true })} />
        </label>
        {chains.length > 1 ? (
          <label>
            Chain{" "}
            <select value={now.chain || chains[0][0]} onChange={(event) => go({ chain: event.currentTarget.value })}>
              {chains.map(([name, label]) => <option key={name} value={name}>{label}</option>)}
            </select>
          </label>
        ) : null}
        <button type="button" aria-pressed={!now.side} onClick={() => go({ side: !now.side })}>
          Only what changes
        </button>
        <CopyLink />
      </div>
    </section>
  );
}

export function LegsScreen() {
  const legs = useLegs();
  const now = view.value;
  if (!legs) return <Reading />;
  const table = legs.chains.find((each) => each.chain === now.chain) ?? legs.chains[0];
  if (!table) return <p>No chain was walked by two legs that differ in something that concerns it.</p>;
  const rows = table.layers.filter((each) => (now.side || each.changes) && each.layer.toLowerCase().includes(now.text.toLowerCase()));
  const columns = legs.legs.filter((leg) => table.walked.includes(leg.name)).map((leg): GridLine => ({
    id: leg.name,
    label: <><Said text={leg.name} /> <small>{table.needs.map((name) => `${name} ${leg.versions[name] ?? "-"}`).join(", ")}</small></>,
    title: table.needs.map((name) => `${name} ${leg.versions[name]}`).join(", "),
  }));
  const since: GridLine = { id: "since", label: "Since" };
  const byId = new Map(rows.map((each) => [`${each.dialect} ${each.layer}`, each]));
  const several = new Set(rows.map((each) => each.dialect)).size > 1;
  return (
    <>
      <Choices chains={legs.chains.map((each) => [each.chain, `${each.chain} (${each.layers.filter((layer) => layer.changes).length} change)`])} />
      <h2><Said text={table.heading} /></h2>
      <p class="quiet"><Said text={table.counts} />.</p>
      {rows.length ? (
        <Grid
          caption={`Layers on ${table.chain} in rows, legs in columns`}
          corner="Layer"
          rows={rows.map((each) => ({ id: `${each.dialect} ${each.layer}`, label: <Said text={each.layer} />, group: several ? each.dialect : undefined }))}
          columns={[...columns, since]}
          folded={now.folded}
          onFold={(group) => go({ folded: now.folded.includes(group) ? now.folded.filter((other) => other !== group) : [...now.folded, group] }, { quiet: true })}
          cell={(row, column) => (column.id === "since" ? words(byId.get(row.id)!.along) : layerCell(byId.get(row.id)!, column.id))}
        />
      ) : (
        <p>No layer {now.side ? "fits" : "changes here"}. <button type="button" class="small" onClick={() => go({ side: true, text: "" })}>Show all layers</button></p>
      )}
      <Turns rows={rows} />
    </>
  );
}

function words(along: readonly LegsAlong[]): GridCell {
  const text = along.map((each) => each.words).join("; ") || "not comparable";
  return { tone: "words", content: <small>{text}</small>, words: text };
}

function layerCell(row: LegsLayer, leg: string): GridCell | null {
  const cell = row.legs[leg];
  if (!cell || cell.state === "not run") return { tone: "none", content: <small>not run</small>, words: `${row.layer} in ${leg}: not run` };
  if (cell.state === "behind a failure") return { tone: "none", content: <small>behind a failure</small>, words: `${row.layer} in ${leg}: behind a failure` };
  const known = cell.good + cell.bad;
  const said = `${row.layer} in ${leg}: ${cell.worst}, ${cell.bad} of ${known} bad`;
  if (!cell.bad) return { tone: "good", content: <small>{"\u2713"} {cell.worst} {count(known)}</small>, words: said };
  return {
    tone: row.changes ? `failed o-${cell.worst}` : "known",
    content: <><b>{row.changes ? "\u2717" : "\u25c7"} {cell.worst}</b> <small>{count(cell.bad)} of {count(known)}</small></>,
    words: said,
  };
}

/** The cases that themselves turned good or bad with a version. */
function Turns({ rows }: { readonly rows: readonly LegsLayer[] }) {
  const turning = rows.flatMap((row) => row.along.flatMap((along) => along.cases.map((each) => ({ row, along, each }))));
  if (!turning.length) return null;
  return (
    <details>
      <summary>{many(turning.length, "case")} that turn with a version</summary>
      <table class="plain">
        <tbody>
          {turning.slice(0, 500).map(({ row, each, along }) => (
            <tr key={`${each.case} ${along.component}`}>
              <th scope="row"><code><Said text={each.case} /></code></th>
              <td>{row.layer}</td>
              <td>{along.component}: {each.turns.map((turn) => `${turn.state} since ${turn.version}`).join(", ")}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {turning.length > 500 ? <p>and {count(turning.length - 500)} more</p> : null}
    </details>
  );
}

export function LegsDefects() {
  const legs = useLegs();
  const now = view.value;
  if (!legs) return <Reading />;
  const findings = now.chain === "findings" && legs.findings.length > 0;
  const all = findings ? legs.findings : legs.defects;
  const text = now.text.toLowerCase().split(/\s+/);
  const rows = all.filter((each) => (now.side || each.changes) && has(`${each.id} ${each.hop} ${each.outcome} ${each.layers.join(" ")} ${each.message}`, text));
  const byId = new Map(rows.map((each) => [each.id, each]));
  const columns: GridLine[] = legs.legs.map((leg) => ({ id: leg.name, label: leg.name }));
  const chains: (readonly [string, string])[] = [["defects", `defects (${legs.defects.length})`], ["findings", `findings (${legs.findings.length})`]];
  return (
    <>
      <Choices chains={legs.findings.length ? chains : []} />
      <p class="quiet">A cell counts the cases that show it. {findings ? "Findings are known defects whose cause is settled." : "By expectation; what no expectation explains is grouped over all legs."}</p>
      {rows.length ? (
        <Grid
          caption={`${findings ? "Findings" : "Defects"} in rows, legs in columns`}
          corner={findings ? "Finding" : "Defect"}
          class="wide-names"
          rows={rows.map((each) => ({ id: each.id, label: nameOf(each), title: [each.id, each.condition || each.message].filter(Boolean).join(": ") }))}
          columns={[...columns, { id: "since", label: "Since" }]}
          cell={(row, column) => (column.id === "since" ? words(byId.get(row.id)!.along) : defectCell(byId.get(row.id)!, column.id))}
        />
      ) : (
        <p>No defect {now.side ? "fits" : "changes"}.</p>
      )}
    </>
  );
}

/** Whether a text has all of these words. */
const has = (text: string, words: readonly string[]): boolean => words.every((word) => text.toLowerCase().includes(word));

/** What is known by an expectation's or a finding's name has this first; the id of a new defect says little. */
const nameOf = (each: LegsDefect) =>
  each.expected ? (
    <><Said text={each.id} /> <small>{each.hop}, {each.outcome}: <Said text={layersOf(each)} /></small></>
  ) : (
    <><Said text={layersOf(each)} /> <small>{each.hop}, {each.outcome} <Said text={each.id} /></small></>
  );

function defectCell(row: LegsDefect, leg: string): GridCell | null {
  const cell = row.legs[leg];
  const said = `${layersOf(row)}, ${row.id}, in ${leg}: ${cell.shows} show it, ${cell.gone} do not, ${cell.otherwise} end in another way`;
  if (cell.shows) return { tone: row.changes ? `failed o-${row.outcome}` : "known", content: <><b>{row.changes ? "\u2717" : "\u25c7"}</b> {count(cell.shows)}</>, words: said };
  if (cell.state === "not run" || cell.state === "behind a failure") return { tone: "none", content: <small>{cell.state}</small>, words: said };
  return { tone: "good", content: <small>{"\u2713"} 0 of {count(cell.gone)}</small>, words: said };
}
