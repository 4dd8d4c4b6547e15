/** One case: its configuration, the stages of its routes, and the evidence of what went wrong. */

import { useEffect, useMemo, useState } from "preact/hooks";
import { evidenceOf, logOf, walked, type Walked } from "../data/details";
import { asNumber, GRADES } from "../data/grades";
import type { Index } from "../data/index";
import { reportOf, reproduceOf } from "../data/issue";
import { nearestAgreeing, settingOf } from "../data/settings";
import type { Evidence, StageDetail } from "../data/types";
import { Chain } from "../parts/chain";
import { Copy, CopyLink, download, Judged, Outcome, Out, Said, sign, To } from "../parts/bits";
import { HeatMaps } from "../parts/heatmaps";
import { Histogram } from "../parts/histogram";
import { Panes } from "../parts/panes";
import { go, only, view, type View } from "../view/address";
import { clean, count, plain, seconds, short, units } from "../view/numbers";
import { first, hits, index } from "../view/state";
import { listed } from "./cases";

export function CaseScreen() {
  const open = index.value;
  const now = view.value;
  const place = open?.caseNames.get(now.case) ?? -1;
  const [all, setAll] = useState<readonly Walked[] | null>(null);
  const [trouble, setTrouble] = useState("");
  useEffect(() => {
    let left = false;
    setAll(null);
    if (open && place >= 0) walked(open, place).then((known) => left || setAll(known), (error) => setTrouble(String(error)));
    return () => {
      left = true;
    };
  }, [open, place]);
  if (!open) return <p class="quiet">Reading the results.</p>;
  if (place < 0) return <p role="alert">This page has no case <Said text={now.case} />. <To view={{ ...now, case: "", on: "" }}>All cases</To></p>;
  const rows = open.rowsOf(place);
  const worst = [...rows].sort((a, b) => open.rank(b) - open.rank(a))[0];
  const row = rows.find((each) => open.route(each) === now.on) ?? worst;
  const known = all?.find((each) => each.row === row);
  return (
    <article class="case" data-ready={known ? "yes" : "no"}>
      <Head index={open} place={place} row={row} />
      {trouble ? <p class="bad">{trouble}</p> : null}
      <div class="body">
        <Configuration index={open} place={place} row={row} />
        <div class="opened">
          <Routes index={open} rows={rows} row={row} />
          {known && all ? <Opened index={open} known={known} all={all} /> : <p class="quiet">Reading the case.</p>}
        </div>
      </div>
    </article>
  );
}

function Head({ index: open, place, row }: { readonly index: Index; readonly place: number; readonly row: number }) {
  const now = view.value;
  const layer = open.raw.layers[open.raw.cases.layer[place]];
  const cases = useMemo(() => (hits.value ? listed(open, hits.value.rows, now.sort) : []), [open, hits.value, now.sort]);
  const at = cases.findIndex((each) => each.place === place);
  const step = (by: number, from = at): View | null => {
    const next = cases[from + by];
    return next && from >= 0 ? { ...now, case: open.raw.cases.id[next.place], on: open.route(next.first) } : null;
  };
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (/^(INPUT|TEXTAREA|SELECT)$/.test((event.target as HTMLElement).tagName)) return;
      // from the case in the address: a key may come before the one that it follows is on the screen
      const from = cases.findIndex((each) => open.raw.cases.id[each.place] === view.value.case);
      const next = event.key === "n" ? step(1, from) : event.key === "p" ? step(-1, from) : null;
      if (next) go(next);
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  });
  return (
    <header class="case-head">
      <p class="row">
        <To view={{ ...now, case: "", on: "", part: "" }}>{"\u2190"} Cases</To>
        {at >= 0 ? <span class="quiet">{count(at + 1)} of {count(cases.length)}</span> : null}
        {step(-1) ? <To view={step(-1)!}>previous</To> : null}
        {step(1) ? <To view={step(1)!}>next</To> : null}
        <CopyLink />
      </p>
      <h2>
        <To view={only({ layer: [layer.name], dialect: [layer.dialect] })}><Said text={layer.name} /></To>{" "}
        <code><Said text={open.raw.cases.id[place]} /></code>
      </h2>
      <p class="row">
        <Judged name={open.judgement(row)} /> <Outcome name={open.outcome(row)} />
        {open.blame(row) ? (
          <span>
            blame: <b class="bad">{open.blame(row)}</b>
          </span>
        ) : null}
        {open.raw.results.defect[row] ? (
          <To view={only({ defect: [String(open.raw.results.defect[row])] })}>
            {first.kind === "difference" ? "change" : "defect"} {open.raw.results.defect[row]}
          </To>
        ) : null}
        <span class="quiet">
          {layer.dialect}, inputs {open.raw.profiles[open.raw.results.profile[row]]}
        </span>
      </p>
    </header>
  );
}

function Configuration({ index: open, place, row }: { readonly index: Index; readonly place: number; readonly row: number }) {
  const defect = open.defect(open.raw.results.defect[row]);
  const layer = open.layer(row).name;
  const deciding = new Set(
    (defect?.conditions ?? []).filter((item) => !item.layers || item.layers.includes(layer) || defect!.conditions.length === 1).flatMap((item) => item.axes.map(settingOf)),
  );
  const nearest = useMemo(() => (open.passes(row) ? null : nearestAgreeing(open, row)), [open, row]);
  const there = new Map(nearest?.differs.map((each) => [each.key, each.there]));
  const settings = open.settings(place);
  const more = nearest?.differs.filter((each) => !settings.some(({ key }) => key === each.key)) ?? [];
  return (
    <section class="config" aria-label="Configuration">
      <h3>Configuration</h3>
      <table class="plain">
        <thead>
          <tr>
            <th scope="col">Setting</th>
            <th scope="col">Here</th>
            {nearest ? (
              <th scope="col">
                <To view={{ ...view.value, case: open.caseId(nearest.row), on: open.route(nearest.row) }} title={open.caseId(nearest.row)}>
                  Nearest that agrees
                </To>
              </th>
            ) : null}
          </tr>
        </thead>
        <tbody>
          {settings.map(({ key, value, fact }) => (
            <tr key={key} class={`${deciding.has(key) ? "decides" : ""}${there.has(key) ? " differs" : ""}${fact ? " fact" : ""}`}>
              <th scope="row">
                <Said text={key} />
                {deciding.has(key) ? <span class="mark"> decides</span> : null}
              </th>
              <td><Said text={plain(value)} /></td>
              {nearest ? <td>{there.has(key) ? <Said text={there.get(key) ? plain(there.get(key)!) : "not set"} /> : null}</td> : null}
            </tr>
          ))}
          {more.map(({ key, there: value }) => (
            <tr key={key} class="differs">
              <th scope="row"><Said text={key} /></th>
              <td>not set</td>
              <td><Said text={plain(value)} /></td>
            </tr>
          ))}
        </tbody>
      </table>
      {nearest ? <p class="quiet">{nearest.differs.length} of these settings differ from the nearest case that agrees on this route.</p> : null}
      {!open.passes(row) && !nearest ? <p class="quiet">No case of this layer agrees on this route.</p> : null}
      {defect?.conditions.length ? (
        <p class="quiet">
          Found by search: {defect.conditions.slice(0, 3).map((item, at) => <span key={at}>{at ? "; " : ""}{item.layers ? `${item.layers}: ` : ""}<Said text={item.text} /></span>)}
        </p>
      ) : null}
    </section>
  );
}

function Routes({ index: open, rows, row }: { readonly index: Index; readonly rows: readonly number[]; readonly row: number }) {
  const sorted = [...rows].sort((a, b) => open.rank(b) - open.rank(a));
  return (
    <nav class="case-routes" aria-label="Routes of this case">
      {sorted.map((each) => (
        <To key={each} view={{ ...view.value, on: open.route(each) }} current={each === row} class={open.judgement(each) === "failed" ? "alarm" : ""}>
          <span aria-hidden="true">{sign(open.judgement(each))}</span> {open.route(each)} <small>{open.outcome(each)}</small>
        </To>
      ))}
    </nav>
  );
}

const PARTS = ["values", "graphs", "numbers", "report"] as const;
type Part = (typeof PARTS)[number];
const PART_NAMES: Readonly<Record<Part, string>> = { values: "Values", graphs: "Graphs", numbers: "Numbers and times", report: "Report it" };

function Opened({ index: open, known, all }: { readonly index: Index; readonly known: Walked; readonly all: readonly Walked[] }) {
  const { row, result, stages } = known;
  const replay = result.replay || `parity replay ${open.caseId(row)} --route ${open.route(row)}`;
  const fault = open.raw.results.fault[row];
  const note = open.note(row);
  const now = view.value;
  const part = PARTS.includes(now.part as Part) ? (now.part as Part) : "values";
  const loud = stages.filter((stage) => !calm(stage) && stage.message);
  return (
    <>
      <Chain index={open} all={all} row={row} />
      {result.recorded ? (
        <p class="note">
          <b>{open.answer(row)}</b>: {first.base ?? "the record"} has <b><Said text={result.recorded.cells} /></b> at {stages[result.recorded.stage]?.hop ?? "source"}, now it is{" "}
          <b>{stages[result.recorded.stage]?.outcome} {short(stages[result.recorded.stage]?.units)}</b>.
        </p>
      ) : null}
      {result.message ? <p class="message"><Said text={result.message} /></p> : null}
      {loud.map((stage, place) => (
        <p class="message" key={place}>
          <b>{stage.hop ?? "source"}{stage.runtime ? `, ${stage.runtime}` : ""}:</b> <Said text={stage.message!} />
        </p>
      ))}
      {note ? <NoteLine index={open} row={row} /> : null}
      <nav class="choices" aria-label="Parts of the case">
        {PARTS.map((each) => (
          <To key={each} view={{ ...now, part: each }} current={part === each}>
            {PART_NAMES[each]}
          </To>
        ))}
      </nav>
      {part === "values" ? <Values stages={stages} fault={fault} replay={replay} /> : null}
      {part === "graphs" ? <Panes stages={stages} fault={fault} /> : null}
      {part === "numbers" ? <Numbers stages={stages} task={result.task} /> : null}
      {part === "report" ? <Report index={open} row={row} stages={stages} fault={fault} replay={replay} /> : null}
    </>
  );
}

const calm = (stage: StageDetail): boolean => first.words.outcomes.find((word) => word.name === stage.outcome)?.calm ?? false;

/** What an expectation foresees is what happened, unless the result failed: then it says both. */
function NoteLine({ index: open, row }: { readonly index: Index; readonly row: number }) {
  const note = open.note(row)!;
  const came = open.judgement(row) === "expected";
  const label = came ? "Known" : open.answer(row) === "fixed" ? "Known until it was fixed" : `Known as ${note.outcome}, which is not what happened`;
  return (
    <p class="note">
      <b>{label}:</b> <Said text={note.reason} /> <code><Said text={note.id} /></code> {note.link && /^https?:/.test(note.link) ? <Out link={note.link}><Said text={note.link} /></Out> : note.link ? <Said text={note.link} /> : null}
    </p>
  );
}

function useEvidence(stages: readonly StageDetail[]): readonly (Evidence | null)[] | null {
  const [all, setAll] = useState<readonly (Evidence | null)[] | null>(null);
  useEffect(() => {
    let left = false;
    setAll(null);
    void Promise.all(stages.map((stage) => evidenceOf(stage))).then((known) => left || setAll(known));
    return () => {
      left = true;
    };
  }, [stages]);
  return all;
}

/** Why a result has no values to look at. */
function Missing({ stages, fault, replay }: { readonly stages: readonly StageDetail[]; readonly fault: number; readonly replay: string }) {
  const stage = stages[fault];
  if (!stage) return <p class="quiet">No tensor was kept of this result: they are kept of what does not pass.</p>;
  if (stage.units === undefined) return <p class="quiet">There are no values to compare ({stage.hop ?? "source"}: {stage.outcome}).</p>;
  return <p class="quiet">The results file has no tensor of {stage.hop ?? "the source"}. To see its values: <code><Said text={replay} /></code></p>;
}

function Values({ stages, fault, replay }: { readonly stages: readonly StageDetail[]; readonly fault: number; readonly replay: string }) {
  const evidence = useEvidence(stages);
  const [chosen, choose] = useState(-1);
  if (!evidence) return <p class="quiet">Reading the values.</p>;
  const places = stages.map((_, place) => place).filter((place) => evidence[place]?.tensor);
  const at = places.includes(chosen) ? chosen : places.includes(fault) ? fault : (places[places.length - 1] ?? -1);
  const kept = evidence[at];
  const pictured = stages.filter((stage) => stage.picture?.length && !calm(stage));
  return (
    <>
      {places.length > 1 ? (
        <p class="row" role="group" aria-label="Stage">
          {places.map((place) => (
            <button type="button" key={place} aria-pressed={place === at} onClick={() => choose(place)}>
              {stages[place].hop ?? "source"}: {stages[place].artifact} in {stages[place].runtime}
            </button>
          ))}
        </p>
      ) : null}
      {evidence.map((each, place) => (each?.note ? <p class="note" key={place}><Said text={each.note} /></p> : null))}
      {kept?.tensor ? (
        <>
          <HeatMaps key={`maps ${at}`} packed={kept.tensor} />
          <Histogram key={`bins ${at}`} packed={kept.tensor} />
        </>
      ) : (
        <>
          <Missing stages={stages} fault={fault} replay={replay} />
          {pictured.map((stage, place) => (
            <Picture key={place} stage={stage} />
          ))}
        </>
      )}
    </>
  );
}

/** The small picture of errors that every result has: a digit is 1 + log2 of the noise units, in base 36. */
function Picture({ stage }: { readonly stage: StageDetail }) {
  const rows = stage.picture!;
  const level = (digit: string) => first.words.picture.findIndex(([range]) => parseInt(digit, 36) <= parseInt(range.slice(-1), 36));
  return (
    <figure>
      <figcaption>
        {stage.artifact} in {stage.runtime ?? "?"}{stage.where ? `, largest at ${clean(stage.where)}` : ""}
      </figcaption>
      <div class="picture" role="img" aria-label={`Error picture of ${rows.length} rows`} style={{ gridTemplateColumns: `repeat(${Math.max(...rows.map((line) => line.length))}, 17px)` }}>
        {rows.flatMap((line, y) => [...line].map((digit, x) => <span key={`${y} ${x}`} class={digit.trim() ? `p${level(digit)}` : ""}>{digit}</span>))}
      </div>
      <p class="keys">
        {first.words.picture.map(([digits], place) => (
          <span key={digits}>
            <i class={`swatch p${place}`} /> {digits} {GRADES[place]}
          </span>
        ))}
      </p>
    </figure>
  );
}

function Numbers({ stages, task }: { readonly stages: readonly StageDetail[]; readonly task?: Readonly<Record<string, unknown>> }) {
  const used = first.words.metrics.filter(([key]) => stages.some((stage) => stage[key] !== undefined));
  const times = stages.map((stage) => asNumber(stage.seconds) || 0);
  const longest = Math.max(...times, 1e-9);
  return (
    <>
      <div class="scroll" tabIndex={0} role="region" aria-label="Numbers of each stage">
        <table class="plain numbers">
          <thead>
            <tr>
              <th scope="col">Stage</th>
              <th scope="col">Outcome</th>
              {used.map(([key, name]) => (
                <th scope="col" key={key}>{name}</th>
              ))}
            </tr>
          </thead>
          <tbody>
            {stages.map((stage, place) => (
              <tr key={place}>
                <th scope="row">{stage.hop ?? "source"}: {stage.artifact}{stage.runtime ? ` in ${stage.runtime}` : ""}{stage.kept ? ", kept" : ""}</th>
                <td><Outcome name={stage.outcome} /></td>
                {used.map(([key]) => (
                  <td key={key}>
                    {key === "seconds" ? (
                      <>
                        <span class="bar time" aria-hidden="true"><i style={{ width: `${(100 * times[place]) / longest}%` }} /></span> {seconds(times[place])}
                      </>
                    ) : (
                      short(stage[key])
                    )}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {task ? <Task task={task} /> : null}
      {stages.map((stage, place) => (stage.log?.length ? <Log key={place} stage={stage} /> : null))}
    </>
  );
}

function Task({ task }: { readonly task: Readonly<Record<string, unknown>> }) {
  return (
    <table class="plain">
      <caption>Task metrics at the end of the route</caption>
      <tbody>
        {Object.entries(task).map(([name, value]) => (
          <tr key={name}>
            <th scope="row">{name.replaceAll("_", " ")}</th>
            <td>{Array.isArray(value) && value.every(Array.isArray) ? <Confusion rows={value as unknown[][]} /> : <Said text={typeof value === "number" ? short(value) : JSON.stringify(value)} />}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

const Confusion = ({ rows }: { readonly rows: readonly (readonly unknown[])[] }) => (
  <div class="scroll" tabIndex={0} role="region" aria-label="Rows: golden class, columns: class at the end of the route">
    <table class="confusion">
      <tbody>
        {rows.map((line, y) => (
          <tr key={y}>
            {line.map((value, x) => (
              <td key={x} class={x === y ? "same" : value ? "other" : ""}>{String(value)}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  </div>
);

function Log({ stage }: { readonly stage: StageDetail }) {
  const [text, setText] = useState("");
  return (
    <details onToggle={(event) => event.currentTarget.open && void logOf(stage).then(setText)}>
      <summary>Log of {stage.hop ?? "the source"}: the last lines</summary>
      <pre tabIndex={0}>{clean(text)}</pre>
    </details>
  );
}

function Report({ index: open, row, stages, fault, replay }: { readonly index: Index; readonly row: number; readonly stages: readonly StageDetail[]; readonly fault: number; readonly replay: string }) {
  const reproduce = `${reproduceOf(replay)} -o reproducer`;
  const report = reportOf(open, row, stages, fault, replay);
  return (
    <div class="report">
      <Command label="Walk it again" text={replay} />
      {fault >= 0 ? (
        <>
          <Command label="Write the reproducer here: model, inputs, outputs, a script of at most 60 lines" text={reproduce} />
          <p class="row">
            <button type="button" onClick={() => download(`reproduce-${open.caseId(row)}.py`, report.script, "text/x-python")}>
              Download the script
            </button>
            <button type="button" onClick={() => download(`issue-${open.caseId(row)}.md`, `# ${report.title}\n\n${report.body}\n`, "text/markdown")}>
              Download the text
            </button>
            {report.form ? (
              <Out link={report.form}>Open an issue upstream</Out>
            ) : (
              <span class="quiet">No tracker of {stages[fault].hop ?? "the source"} is known to this page.</span>
            )}
          </p>
          <h4><Said text={report.title} /></h4>
          <pre class="issue" tabIndex={0}>{clean(report.body)}</pre>
        </>
      ) : (
        <p class="quiet">It passes: there is nothing to report.</p>
      )}
      <p class="quiet">{units(open.units[row])}</p>
    </div>
  );
}

const Command = ({ label, text }: { readonly label: string; readonly text: string }) => (
  <p class="command">
    <span class="quiet">{label}</span> <code><Said text={text} /></code> <Copy text={() => text} label="Copy" />
  </p>
);
