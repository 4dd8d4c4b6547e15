// Builds the program into one file, program.html: the shell with the style and the script inside it.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { defineConfig } from "vite";

const fill = (text, name, content) => {
  const [before, after, ...more] = text.split(`build:${name}:here`);
  if (after === undefined || more.length) throw new Error(`shell.html must have one place for ${name}`);
  return before + content + after;
};

// A script element ends at the first `</script`, wherever it stands; `<!--` would open a comment in it.
const inScript = (code) => code.trim().replaceAll("</script", "<\\/script").replaceAll("<!--", "<\\!--");

// The packages of which code is in the program, with the licences that ask to go along.
const licences = (modules) => {
  const folders = new Set();
  for (const id of modules) {
    let folder = dirname(id);
    while (folder.includes("node_modules") && !existsSync(join(folder, "package.json"))) folder = dirname(folder);
    if (folder.includes("node_modules") && JSON.parse(readFileSync(join(folder, "package.json"), "utf-8")).version) folders.add(folder);
  }
  const texts = [...folders].map((folder) => {
    const known = JSON.parse(readFileSync(join(folder, "package.json"), "utf-8"));
    const file = readdirSync(folder).find((name) => /^licen[cs]e/i.test(name));
    return `${known.name} ${known.version} (${known.license})\n\n${file ? readFileSync(join(folder, file), "utf-8").trim() : ""}\n`;
  });
  return `Packages inside program.html, and their licences\n\n${texts.sort().join("\n----\n\n")}`;
};

const onePage = {
  name: "one-page",
  enforce: "post",
  generateBundle(_options, bundle) {
    const files = Object.values(bundle);
    const code = files.find((file) => file.type === "chunk").code;
    const modules = Object.keys(files.find((file) => file.type === "chunk").modules);
    const style = files.find((file) => file.type === "asset" && file.fileName.endsWith(".css"))?.source ?? "";
    for (const name of Object.keys(bundle)) delete bundle[name];
    const shell = fill(readFileSync(new URL("shell.html", import.meta.url), "utf-8"), "style", String(style).trim());
    this.emitFile({ type: "asset", fileName: "program.html", source: fill(shell, "program", inScript(code)) });
    this.emitFile({ type: "asset", fileName: "program.licences.txt", source: licences(modules) });
  },
};

export default defineConfig({
  plugins: [onePage],
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    target: "es2022",
    outDir: process.env.PAGE_OUT ?? "../harness/report",
    emptyOutDir: false,
    modulePreload: false,
    rolldownOptions: {
      input: "src/main.tsx",
      output: { format: "iife", codeSplitting: false },
    },
    cssCodeSplit: false,
    reportCompressedSize: false,
  },
});
