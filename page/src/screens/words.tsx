/** The words of the page and their meanings. */

import { Judged, Outcome } from "../parts/bits";
import { first } from "../view/state";

export function WordsScreen() {
  const { words } = first;
  return (
    <div class="words">
      <section aria-labelledby="units">
        <h2 id="units">Noise units</h2>
        <p>
          An error is measured against what float32 rounding alone does to the documented formula on the same numbers: 1 unit is the
          root-mean-square effect of that rounding, known from many randomly rounded runs of a float64 oracle. A correct
          implementation lies between 0 and 16 units whatever the layer, the size or the magnitude. <i>Normwise</i> units
          (against the largest value of the channel's slice) decide; <i>componentwise</i> units show lost relative accuracy of
          small elements.
        </p>
        <p>
          The <b>blame</b> of a route lies with the hop of its first stage that does not pass; <code>source</code> when the source
          artifact itself deviates.
        </p>
      </section>
      <section aria-labelledby="outcomes">
        <h2 id="outcomes">Outcomes, best first</h2>
        <table class="plain">
          <tbody>
            {words.outcomes.map((word) => (
              <tr key={word.name}>
                <th scope="row">
                  <Outcome name={word.name} />
                </th>
                <td>{word.meaning}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      <section aria-labelledby="judgements">
        <h2 id="judgements">Judgements</h2>
        <table class="plain">
          <tbody>
            {words.judgements.map((word) => (
              <tr key={word.name}>
                <th scope="row">
                  <Judged name={word.name} />
                </th>
                <td>{word.meaning}</td>
              </tr>
            ))}
          </tbody>
        </table>
        <h2>Beside the record, or beside the base</h2>
        <table class="plain">
          <tbody>
            {words.answers.map((word) => (
              <tr key={word.name}>
                <th scope="row">{word.name}</th>
                <td>{word.meaning}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      <section aria-labelledby="cells">
        <h2 id="cells">A cell of the matrix</h2>
        <ul>
          <li><b>{"\u2717"}</b> results failed: the worst of their outcomes gives the colour, whatever else is known there.</li>
          <li><b>{"\u25c7"}</b> results deviate, all as expected: the cell is hatched and quiet.</li>
          <li><b>{"\u2713"}</b> all agree.</li>
        </ul>
      </section>
    </div>
  );
}
