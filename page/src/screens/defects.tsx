/** The defects of a run, or the changes between two: what is new first, what is known after it and quiet. */

import { Filters } from "../parts/filters";
import { Outcome, Out, Said, To } from "../parts/bits";
import { only, START, view } from "../view/address";
import { asNumber } from "../data/grades";
import { clean, count, many, short } from "../view/numbers";
import { first, hits, index } from "../view/state";
import { layersOf, When } from "./summary";
import type { Cause } from "../data/types";

export function DefectsScreen() {
  const open = index.value;
  const found = hits.value;
  const now = view.value;
  if (!open || !found) return <p class="quiet">Reading the results.</p>;
  const filtered = Object.keys(now.chosen).length > 0 || now.text !== "" || now.having.length > 0;
  const places = open.raw.defects
    .map((_, place) => place + 1)
    .filter((place) => !filtered || (found.counts.defect.get(String(place)) ?? 0) > 0);
  const news = places.filter((place) => open.defect(place)!.unexpected);
  const known = places.filter((place) => !open.defect(place)!.unexpected);
  return (
    <>
      <Filters />
      <p class="quiet">
        {first.defects}. Deviations that the same evidence speaks for, with the settings that tell them from the cases that agree
        there. Bold is a condition that all with the defect meet and none without it; italic is a guess.
      </p>
      <List title={news.length ? `Unexpected (${count(news.length)})` : "Nothing unexpected"} places={news} />
      {known.length ? (
        <details open={filtered || !news.length}>
          <summary>
            {first.kind === "difference" ? "Fixed, accepted or not worse" : "Known"} ({count(known.length)})
          </summary>
          <List title={first.kind === "difference" ? "Not worse" : "Known"} places={known} />
        </details>
      ) : null}
    </>
  );
}

function List({ title, places }: { readonly title: string; readonly places: readonly number[] }) {
  const open = index.value!;
  return (
    <section>
      <h2>{title}</h2>
      <ol class="defects">
        {places.map((place) => (
          <li key={place} class={open.defect(place)!.unexpected ? "new" : ""}>
            <Defect place={place} cause={open.defect(place)!} />
          </li>
        ))}
      </ol>
    </section>
  );
}

function Defect({ place, cause }: { readonly place: number; readonly cause: Cause }) {
  return (
    <article aria-label={`${cause.answer ?? "defect"} ${place}`}>
      <p class="head">
        <To view={only({ defect: [String(place)] })} title="Show its cases">
          {place}
        </To>
        {cause.unexpected ? <i class="bad" aria-hidden="true">{"\u2717"}</i> : <i class="known" aria-hidden="true">{"\u25c7"}</i>}
        {cause.answer ? <b>{cause.answer}</b> : null}
        <b><Said text={cause.hop} /></b> <Outcome name={cause.outcome} /> <small>{cause.harm}</small>
        <span title={clean(cause.layers.join(", "))}><Said text={layersOf(cause.layers)} /></span>
        <small>
          {many(cause.cases, "case")}, {many(cause.results, "result")}
          {cause.units === null ? "" : `, ${short(asNumber(cause.units))} units`}
        </small>
        {cause.unexpected ? <b class="bad">{count(cause.unexpected)} unexpected</b> : null}
        {cause.route ? (
          <To view={{ ...START, tab: "cases", case: cause.smallest, on: cause.route }} class="smallest">
            smallest case
          </To>
        ) : null}
      </p>
      {cause.conditions.length ? (
        <div class="conditions">
          <When conditions={cause.conditions} all />
          {cause.hidden ? <small>and {cause.hidden} more conditions</small> : null}
        </div>
      ) : null}
      {cause.before ? <p class="said">before: <Said text={cause.before} /></p> : null}
      {cause.message ? <p class="said"><Said text={cause.message} /></p> : null}
      {cause.at ? <p class="said">at <code><Said text={cause.at} /></code></p> : null}
      {cause.accepted ? <p class="note">accepted: <Said text={cause.accepted} /></p> : null}
      {cause.notes.map((note) => (
        <p class="note" key={note.id}>
          <code><Said text={note.id} /></code> <Said text={note.reason} /> <Out link={note.link}>upstream</Out>
        </p>
      ))}
    </article>
  );
}
