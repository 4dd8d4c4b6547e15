/** The first screen: may I merge, which way should I take, is the run whole. */

import { Copy, Judged, Outcome, Said, Sentence, To, sign } from "../parts/bits";
import { only, START, view } from "../view/address";
import { clean, count, many, seconds, short } from "../view/numbers";
import { renewal } from "../view/renewal";
import { first, tone } from "../view/state";
import type { Condition, NewCause, RouteShare } from "../data/types";

export function SummaryScreen() {
  return (
    <div class="summary">
      <section class={`card merge is-${tone()}`} aria-labelledby="merge">
        <h2 id="merge">{first.question ?? "May I merge?"}</h2>
        <p class="sentence"><Sentence text={first.sentence} /></p>
        {first.running ? <p class="quiet" role="status">{renewal(first.running)}</p> : null}
        <Counts />
        <News />
      </section>
      <section class="card" aria-labelledby="way">
        <h2 id="way">Which way should I take?</h2>
        <Routes />
      </section>
      <section class="card" aria-labelledby="whole">
        <h2 id="whole">Is the run whole?</h2>
        <Whole />
      </section>
    </div>
  );
}

function Counts() {
  const bad = new Set(["regression", "changed", "lost"]);
  return (
    <>
      <ul class="judgements">
        {Object.entries(first.judgements)
          .reverse()
          .map(([name, of]) => (
            <li key={name}>
              <To view={only({ judgement: [name] })} class={of ? "" : "zero"}>
                <Judged name={name} /> <b>{count(of)}</b>
              </To>
            </li>
          ))}
      </ul>
      <h3>{first.base ? `Beside ${first.base}` : "Beside the record"}</h3>
      <ul class="counts">
        {first.counts.map(({ name, count: of }) => (
          <li key={name} class={of && bad.has(name) ? "alarm" : of ? "" : "zero"}>
            {name === "lost" ? (
              <span>
                <b>{count(of)}</b> {name}
              </span>
            ) : (
              <To view={only({ answer: [name] })}>
                <b>{count(of)}</b> {name}
              </To>
            )}
          </li>
        ))}
      </ul>
    </>
  );
}

function News() {
  const one = first.new.length === 1;
  const changes = one ? "change that fails" : "changes that fail";
  const causes = first.kind === "difference" ? changes : one ? "defect that is new" : "defects that are new";
  return (
    <>
      <h3>
        {first.new.length ? `${count(first.new.length)} ${causes}` : `No ${causes}`}
      </h3>
      <ol class="news">
        {first.new.map((cause) => (
          <li key={cause.place}>
            <NewLine cause={cause} />
          </li>
        ))}
      </ol>
      <p class="quiet">
        {first.defects}.{" "}
        <To view={{ ...START, tab: "defects" }}>{first.kind === "difference" ? "All changes" : "All defects, the known ones too"}</To>
      </p>
      {first.remarks?.length ? (
        <ul class="remarks">
          {first.remarks.map((line) => (
            <li key={line}>
              <Sentence text={line} />
            </li>
          ))}
        </ul>
      ) : null}
    </>
  );
}

function NewLine({ cause }: { readonly cause: NewCause }) {
  return (
    <>
      <To view={only({ defect: [String(cause.place)] })} class="cause">
        <i aria-hidden="true" class="bad">{"\u2717"}</i> {cause.answer ? `${cause.answer} ` : ""}<Outcome name={cause.outcome} /> <b><Said text={cause.hop} /></b>{" "}
        <Said text={layersOf(cause.layers)} />
      </To>{" "}
      <When conditions={cause.conditions} /> <small>{many(cause.unexpected, "result")}</small>{" "}
      {cause.route ? (
        <To view={{ ...START, tab: "cases", case: cause.smallest, on: cause.route }} class="smallest">
          smallest case
        </To>
      ) : null}
    </>
  );
}

export const layersOf = (names: readonly string[]): string =>
  names.length <= 3 ? names.join(", ") : `${names.slice(0, 2).join(", ")} and ${names.length - 2} more`;

/** The first condition of a defect: bold where it is certain, italic where it is a guess. */
export function When({ conditions, all = false }: { readonly conditions: readonly Condition[]; readonly all?: boolean }) {
  const listed = all ? conditions : conditions.slice(0, 1);
  return (
    <span class="when">
      {listed.map((item, place) => (
        <span key={place}>
          {item.layers ? <span class="quiet"><Said text={item.layers} />: </span> : null}
          <Certain item={item} brief={!all} />
          {all && item.failing ? <small> {count(item.failing)} fail, {item.passing || "none"} pass</small> : null}
        </span>
      ))}
      {!all && conditions.length > 1 ? <small> and {conditions.length - 1} more</small> : null}
    </span>
  );
}

/** Bold where it is certain; a guess is italic, and in brief only its words. */
function Certain({ item, brief }: { readonly item: Condition; readonly brief: boolean }) {
  if (item.sure) return <b><Said text={item.text} /></b>;
  return <em title={clean(item.text)}><Said text={brief && item.axes.length ? `perhaps ${item.words}` : item.text} /></em>;
}

function Routes() {
  const main = first.routes.filter((each) => each.main);
  const side = first.routes.filter((each) => !each.main);
  const open = view.value.side;
  return (
    <>
      <RouteTable routes={main} />
      {side.length ? (
        <p>
          <To view={{ ...view.value, side: !open }}>
            {open ? "Hide" : "Show"} {many(side.length, "side route")}
          </To>{" "}
          <span class="quiet">with {count(side.reduce((sum, each) => sum + each.results, 0))} results</span>
        </p>
      ) : null}
      {open ? <RouteTable routes={side} /> : null}
    </>
  );
}

function RouteTable({ routes }: { readonly routes: readonly RouteShare[] }) {
  return (
    <table class="ways">
      <thead>
        <tr>
          <th scope="col">Route</th>
          <th scope="col">Cases that agree</th>
          <th scope="col" class="right">Share</th>
        </tr>
      </thead>
      <tbody>
        {routes.map((each) => (
          <tr key={`${each.dialect} ${each.route}`}>
            <th scope="row">
              <To view={only({ route: [each.route] })}><Said text={each.route.replaceAll("-", " \u2192 ")} /></To>
            </th>
            <td>
              <span class="bar" role="img" aria-label={`${count(each.agree)} of ${count(each.results)} agree, ${count(each.expected)} deviate as expected, ${count(each.failed)} failed`}>
                <i class="b-passed" style={{ flexGrow: each.results - each.expected - each.failed }} />
                <i class="b-expected" style={{ flexGrow: each.expected }} />
                <i class="b-failed" style={{ flexGrow: each.failed }} />
              </span>
              <small>
                {count(each.agree)} of {count(each.results)}
                {each.failed ? <b class="bad"> {sign("failed")} {count(each.failed)} failed</b> : null}
              </small>
            </td>
            <td class="right">
              <b>{each.share}</b>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Whole() {
  const { run } = first;
  return (
    <>
      <dl class="facts">
        <div>
          <dt>Owed</dt>
          <dd>{run.owed ? count(run.owed) : `at least ${count(run.floor)}`}</dd>
        </div>
        <div>
          <dt>Run</dt>
          <dd>{count(run.results)}</dd>
        </div>
        {run.unwalked ? (
          <div>
            <dt>{first.running ? "To come" : "Not walked"}</dt>
            <dd>{count(run.unwalked)}</dd>
          </div>
        ) : (
          <div class={run.lost ? "alarm" : ""}>
            <dt>Lost</dt>
            <dd>{run.lost ? `\u2717 ${count(run.lost)}` : "0"}</dd>
          </div>
        )}
        <div>
          <dt>Time</dt>
          <dd>{run.seconds === null ? "no end" : seconds(run.seconds)}</dd>
        </div>
      </dl>
      {run.beside ? <p class="quiet">{run.beside}</p> : null}
      {run.busy ? <p class="known">{run.busy}</p> : null}
      {run.unavailable.length ? (
        <>
          <h3 class="bad">{many(run.unavailable.length, "route")} could not run</h3>
          <ul>
            {run.unavailable.map((route) => (
              <li key={route.name}>
                <code><Said text={route.name} /></code>: <Said text={route.reason || "no reason was given"} />
              </li>
            ))}
          </ul>
        </>
      ) : null}
      {run.lost_first.length ? (
        <details>
          <summary>The first lost results</summary>
          <ul>
            {run.lost_first.map(([name, route]) => (
              <li key={`${name} ${route}`}>
                <code><Said text={name} /></code> on <code><Said text={route} /></code>
              </li>
            ))}
          </ul>
        </details>
      ) : null}
      <p class="command">
        <code>
          <Said text={run.command} />
        </code>{" "}
        <Copy text={() => run.command} label="Copy" />
      </p>
      <p class="quiet">
        Started {run.started.replace("T", " ").replace("+00:00", " UTC")}
        {run.finished || first.running ? "" : ", never finished"}.
      </p>
      <details>
        <summary>Environment: {many(Object.keys(run.versions).length, "version")}</summary>
        <table class="plain">
          <thead>
            <tr>
              <th scope="col">Name</th>
              <th scope="col">Version</th>
            </tr>
          </thead>
          <tbody>
            {Object.entries(run.versions).map(([name, version]) => (
              <tr key={name}>
                <th scope="row">
                  <Said text={name} />
                </th>
                <td>
                  <Said text={version} />
                </td>
              </tr>
            ))}
            {Object.entries(run.options).map(([name, value]) => (
              <tr key={`option ${name}`}>
                <th scope="row">option {name}</th>
                <td>
                  <Said text={typeof value === "string" ? value : short(JSON.stringify(value))} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </details>
      {first.history.length > 1 ? (
        <p>
          <To view={{ ...START, tab: "plots", part: "history" }}>History over {many(first.history.length, "run")}</To>
        </p>
      ) : null}
    </>
  );
}
