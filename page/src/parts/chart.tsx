/** A plot with its caption and its numbers as a table: what colours and lengths say, words say too. */

import * as Plot from "@observablehq/plot";
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

export type Row = Readonly<Record<string, string | number>>;

interface Props {
  readonly id?: string;
  readonly title: string;
  readonly says: ComponentChildren;
  /** The plot for a width in pixels. */
  readonly options: (width: number) => Plot.PlotOptions;
  readonly columns: readonly string[];
  readonly rows: readonly Row[];
  readonly mark: string;
}

/** Lines of the table beside a plot. */
const MOST = 300;

export function Chart({ id, title, says, options, columns, rows, mark }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const watch = new ResizeObserver(() => setWidth(Math.floor(box.current?.clientWidth ?? 0)));
    if (box.current) watch.observe(box.current);
    return () => watch.disconnect();
  }, []);
  useEffect(() => {
    if (!box.current || !width) return;
    const drawn = Plot.plot({ ...options(width), width, className: "plot", ariaLabel: title });
    drawn.querySelectorAll("[aria-label]").forEach((part) => part.removeAttribute("aria-label"));
    drawn.setAttribute("role", "img");
    drawn.setAttribute("aria-label", title);
    box.current.replaceChildren(drawn);
  }, [width, mark]);
  return (
    <figure class="chart" id={id} tabIndex={-1}>
      <figcaption>
        <h3>{title}</h3>
        <p class="quiet">{says}</p>
      </figcaption>
      <div ref={box} class="canvas" />
      <details>
        <summary>As a table</summary>
        <div class="scroll" tabIndex={0} role="region" aria-label={`${title}, as a table`}>
          <table class="plain">
            <thead>
              <tr>
                {columns.map((name) => (
                  <th scope="col" key={name}>
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.slice(0, MOST).map((row, place) => (
                <tr key={place}>
                  {columns.map((name) => (
                    <td key={name}>{row[name]}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
          {rows.length > MOST ? <p>and {rows.length - MOST} more lines</p> : null}
        </div>
      </details>
    </figure>
  );
}

/** A name with soft hyphens before its capitals. */
const breakable = (name: string): string => name.replaceAll(/([a-z0-9])(?=[A-Z])/g, "$1\u00ad");

/** Pixels of a letter of a plot's names on average, and of a line of them. */
const LETTER = 7;
const LINE = 15;

/**
 * An axis of names on the left that shows each whole: as wide as the longest name, at most half the plot, in as many
 * lines as it then needs. Lines break at hyphens and before capitals. `each` is the height of a name's row.
 */
export function named(names: readonly string[], width: number, each: number) {
  const longest = LETTER * Math.max(0, ...names.map((name) => name.length));
  const room = Math.max(60, Math.min(longest, width / 2));
  // a line that breaks at hyphens is seldom full
  const lines = longest > room ? Math.ceil((1.3 * longest) / room) : 1;
  return {
    marginLeft: Math.ceil(room + 16),
    row: Math.max(each, LINE * lines),
    axis: Plot.axisY(lines > 1 ? { label: null, lineWidth: room / 12, tickFormat: breakable } : { label: null }),
  };
}

export { Plot };
