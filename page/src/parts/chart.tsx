/** A plot with its caption and its numbers as a table: what colours and lengths say, words say too. */

import * as Plot from "@observablehq/plot";
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

export type Row = Readonly<Record<string, string | number>>;

interface Props {
  readonly id?: string;
  readonly title: string;
  readonly says: ComponentChildren;
  readonly options: () => Plot.PlotOptions;
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
    const drawn = Plot.plot({ ...options(), width, className: "plot", ariaLabel: title });
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

export { Plot };
