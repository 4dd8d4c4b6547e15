/** The text of an issue upstream, and the script that shows the deviation, from what the page knows. */

import { clean, plain, short } from "../view/numbers";
import type { Index } from "./index";
import type { StageDetail } from "./types";

export interface Report {
  readonly title: string;
  readonly body: string;
  /** GitHub's form with title and text filled in; '' where the project is not known. */
  readonly form: string;
  readonly script: string;
}

/** Characters of an address that GitHub and browsers take. */
const LONGEST = 7000;

/** The command that writes a reproducer, from the one that walks the case again: with its options that both have. */
export function reproduceOf(replay: string): string {
  const [, start] = /^(parity replay \S+)/.exec(replay) ?? [];
  const options = replay.match(/--(?:route|opset|hop|pack) (?:'[^']*'|\S+)|--anew/g) ?? [];
  return [start?.replace("replay", "reproduce") ?? "parity reproduce", ...options].join(" ");
}

/** `replay` is the command that walks the case again. */
export function reportOf(index: Index, row: number, stages: readonly StageDetail[], fault: number, replay: string): Report {
  const stage = stages[Math.max(fault, 0)];
  const word = index.first.words.outcomes.find((each) => each.name === stage.outcome);
  const blame = index.blame(row) || "source";
  const layer = index.layer(row).name;
  const { versions } = index.first.run;
  const shown = Object.keys(versions).filter((name) => !["pytest", "hypothesis"].includes(name));
  const version = versions[blame] ? ` ${versions[blame]}` : "";
  const settings = index.settings(index.raw.results.case[row]).filter(({ fact }) => !fact);
  const message = clean(stage.message ?? "");
  const error = ["refused", "invalid"].includes(stage.outcome) && message ? ` (${message.split(":")[0].slice(0, 60)})` : "";
  const title = `${blame}${version}: ${layer} ${word?.happens ?? stage.outcome}${error}`;
  const size = typeof stage.units === "number" ? `The largest error is ${short(stage.units)} times what rounding to float32 explains, at \`${stage.where ?? "?"}\`.` : "";
  const fence = "```";
  const body = [
    `A model with ${layer} ${word?.happens ?? stage.outcome} (${word?.loud ?? ""}).`,
    size,
    `**Configuration**\n${fence}\n${settings.map(({ key, value }) => `${key} = ${plain(value)}`).join("\n")}\n${fence}`,
    message ? `**What came**\n${fence}\n${message.slice(0, 1500)}\n${fence}` : "",
    `**Way**: ${stages.map((each) => `${each.hop ? `${each.hop} \u2192 ` : ""}${each.artifact}${each.runtime ? ` in ${each.runtime}` : ""}: ${each.outcome}`).join("; ")}`,
    `**Versions**: ${shown.map((name) => `${name} ${versions[name]}`).join(", ")}`,
    `Shown by \`${replay}\`; \`${reproduceOf(replay)}\` writes a script that needs the frameworks only.`,
  ]
    .filter(Boolean)
    .join("\n\n");
  const tracker = index.first.trackers[blame] ?? "";
  return { title, body, form: tracker ? form(tracker, title, body) : "", script: script(index, title, reproduceOf(replay), index.caseId(row)) };
}

function form(tracker: string, title: string, body: string): string {
  const address = (text: string) => `${tracker}?${new URLSearchParams({ title, body: text })}`;
  let text = body;
  while (address(text).length > LONGEST) text = `${text.slice(0, Math.floor(text.length * 0.9))}\u2026`;
  return address(text);
}

const quoted = (text: string): string => JSON.stringify(text);

/** A script that installs the versions of this run and writes the reproducer: `uv run` reads its first lines. */
function script(index: Index, title: string, command: string, name: string): string {
  const { versions } = index.first.run;
  const pinned = Object.entries(versions).filter(([name, version]) => !["python", "platform"].includes(name) && /^\d/.test(version));
  const lines = [
    "# /// script",
    `# requires-python = "==${versions.python?.split(".").slice(0, 2).join(".") ?? "3.12"}.*"`,
    "# dependencies = [",
    ...pinned.map(([name, version]) => `#     ${quoted(`${name}==${version}`)},`),
    "# ]",
    "# ///",
    `# ${title.replaceAll(/\s+/g, " ")}`,
    "#",
    "# `uv run FILE` makes the environment of the run, walks the case again, and writes a folder beside this file: a",
    "# script of at most 60 lines that needs the frameworks only, the model, inputs, expected and actual outputs.",
    "import shlex",
    "import subprocess",
    "import sys",
    "",
    `COMMAND = ${quoted(command)}`,
    "",
    `sys.exit(subprocess.run([*shlex.split(COMMAND), "--out", ${quoted(`reproduce-${name}`)}], check=False).returncode)`,
    "",
  ];
  return lines.join("\n");
}
