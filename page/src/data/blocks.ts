/** Reads the data blocks of the page: JSON in script elements that no browser runs, plain or gzip in base64. */

const opened = new Map<string, Promise<unknown>>();

/** The bytes of base64 text. */
export function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  const letters = atob(text);
  const bytes = new Uint8Array(letters.length);
  for (let place = 0; place < letters.length; place += 1) bytes[place] = letters.charCodeAt(place);
  return bytes;
}

/** The bytes that were compressed; `deflate` has zlib's header. */
export function inflated(bytes: Uint8Array<ArrayBuffer>, format: "gzip" | "deflate"): Response {
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream(format)));
}

/** A block that is there at once, such as what the first screen shows. */
export function plainBlock<T>(id: string): T {
  return JSON.parse(document.getElementById(id)?.textContent ?? "null") as T;
}

/** A compressed block, opened once. Rejects if the page has no such block. */
export function block<T>(id: string): Promise<T> {
  const known = opened.get(id) ?? read(id);
  opened.set(id, known);
  return known as Promise<T>;
}

async function read(id: string): Promise<unknown> {
  const node = document.getElementById(id) ?? (await afterParsing(id));
  if (!node) throw new Error(`the page has no block ${id}`);
  return inflated(bytesOf(node.textContent ?? ""), "gzip").json();
}

/** Blocks stand behind the program: a link to a case may ask for one before the browser has read it. */
async function afterParsing(id: string): Promise<HTMLElement | null> {
  if (document.readyState === "loading") {
    await new Promise((done) => document.addEventListener("DOMContentLoaded", done, { once: true }));
  }
  return document.getElementById(id);
}
