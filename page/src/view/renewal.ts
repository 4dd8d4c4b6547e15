/** The page of a run that goes on: it loads itself again, because the run writes it anew now and then. */

import { first } from "./state";

const EVERY = 30_000;
/** From this age on, in milliseconds, nobody seems to renew the page. */
const OLD = 20 * 60_000;
const PLACE = "parity-place";

/** What a reader should know of the age of the page. `at` is an ISO time. */
export function renewal(at: string, now: number = Date.now()): string {
  const time = new Date(at).toLocaleTimeString();
  if (now - Date.parse(at) > OLD) return `As of ${time}. The run has not renewed this page since: it may have been killed.`;
  return `As of ${time}. This page renews itself while the run goes on.`;
}

/** Load the page again and again while the run goes on, but not under the hands of a reader who types or marks text. */
export function renew(): void {
  restore();
  if (!first.running) return;
  setInterval(() => {
    const busy = document.activeElement?.matches("input, select, textarea") || String(getSelection());
    if (document.hidden || busy) return;
    sessionStorage.setItem(PLACE, String(scrollY));
    location.reload();
  }, EVERY);
}

/** Scroll to where the reader was, once the page is as long as it was. */
function restore(): void {
  const place = Number(sessionStorage.getItem(PLACE));
  sessionStorage.removeItem(PLACE);
  if (!place) return;
  history.scrollRestoration = "manual";
  let tries = 40;
  const scroll = () => {
    scrollTo(0, place);
    if (Math.abs(scrollY - place) > 2 && tries--) setTimeout(scroll, 50);
  };
  requestAnimationFrame(scroll);
}
