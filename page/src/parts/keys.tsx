/** The keyboard: keys that work everywhere, and the box that lists them. */

import { useEffect, useRef } from "preact/hooks";
import { go, view } from "../view/address";
import { toSearch } from "./app";

const KEYS: readonly (readonly [string, string])[] = [
  ["/", "Search"],
  ["Arrow keys", "Move in a matrix, a graph or a tensor"],
  ["Enter", "Open the cell, the node or the case"],
  ["Home, End, Page up, Page down", "Far moves in a matrix"],
  ["n, p", "Next, previous case of the list"],
  ["Escape", "Close a menu; go back from a case to the list"],
  ["?", "This list"],
];

export function Keys() {
  const box = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const show = () => box.current?.showModal();
    const press = (event: KeyboardEvent) => {
      const node = event.target as HTMLElement;
      if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|TEXTAREA|SELECT)$/.test(node.tagName)) return;
      if (event.key === "/") {
        event.preventDefault();
        toSearch();
      } else if (event.key === "?") show();
      else if (event.key === "Escape" && view.value.case && !box.current?.open) go({ case: "", on: "", part: "" });
    };
    addEventListener("keydown", press);
    addEventListener("keys", show);
    return () => {
      removeEventListener("keydown", press);
      removeEventListener("keys", show);
    };
  }, []);
  return (
    <dialog ref={box} aria-labelledby="keys-title">
      <h2 id="keys-title">Keyboard</h2>
      <dl>
        {KEYS.map(([key, does]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
      <form method="dialog">
        <button>Close</button>
      </form>
    </dialog>
  );
}
