"use strict";
(async () => {
  const PAGE = 200;
  const WORDS = JSON.parse(document.getElementById("words").textContent);
  const OUTCOMES = new Map(WORDS.outcomes.map((outcome, severity) => [outcome.name, { ...outcome, severity }]));
  const TASK = {
    logits_max_abs: "largest error of a logit", top1_agreement: "top-1 agreement with the golden", accuracy: "accuracy on the labels",
  };
  const data = JSON.parse(await unpacked(document.getElementById("data").textContent));
  const form = document.getElementById("filters");
  const list = document.getElementById("list");
  const more = document.getElementById("more");
  const count = document.getElementById("count");

  /* The data is base64 of gzip: a tenth of its size. */
  async function unpacked(text) {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
  }

  /* Text only ever enters as text nodes and attributes: nothing from a results file is read as HTML. */
  function make(tag, attributes, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) {
      if (name === "onclick") node.addEventListener("click", value);
      else if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value);
    }
    node.append(...children.filter((child) => child !== null && child !== undefined));
    return node;
  }

  function number(value) {
    if (value === null || value === undefined) return "\u2013";
    if (typeof value === "string") return value.replace("inf", "\u221e").replace("nan", "NaN");
    if (value === 0 || Number.isInteger(value) && Math.abs(value) < 1e5) return String(value);
    const size = Math.abs(value);
    if (size >= 1e5 || size < 1e-3) return value.toExponential(1).replace("e+", "e");
    return String(Number(value.toPrecision(size >= 0.9 && size < 1 ? 9 : 3)));
  }

  function size(value) {
    if (value === undefined || value === null) return -1;
    return typeof value === "string" ? (value === "-inf" ? -1 : Infinity) : value;
  }

  /* Rounded down: only a whole agreement reads as 100 %. */
  const percent = (share) => `${Math.floor(1000 * share + 1e-6) / 10} %`;
  const plain = (value) => (typeof value === "string" ? value : JSON.stringify(value));
  const badge = (kind, name) => make("span", { class: `badge ${kind}-${name}` }, name);
  const rank = (result) => WORDS.judgements.indexOf(result.judgement) * 100 + OUTCOMES.get(result.outcome).severity;
  const worse = (a, b) => rank(b) - rank(a) || size(b.units) - size(a.units) || 0;

  function grouped() {
    const cases = data.cases.map((item) => ({ ...item, results: [] }));
    for (const result of data.results) cases[result.case].results.push(result);
    for (const item of cases) item.results.sort(worse);
    return cases;
  }

  const cases = grouped();

  /* What the text filter searches: built at the first search, not while the page opens. */
  function haystack(item, result) {
    if (result.text === undefined) {
      const note = result.expectation === undefined ? "" : JSON.stringify(data.expectations[result.expectation]);
      const stages = result.stages.map((place) => data.stages[place]);
      const parts = stages.map((stage) => [stage.hop, stage.runtime, stage.artifact, stage.message, stage.where].join(" "));
      result.text = [item.id, item.dialect, item.layer, brief(item), result.route, result.blame, result.message, note, ...parts]
        .join(" ").toLowerCase();
    }
    return result.text;
  }

  function brief(item) {
    return Object.entries(item.config).map(([key, value]) => `${key}=${plain(value)}`).join("  ");
  }

  function matches(item, result, wanted) {
    return (!wanted.layer || item.layer === wanted.layer)
      && (!wanted.defect || String(result.defect) === wanted.defect)
      && (!wanted.profile || result.profile === wanted.profile)
      && (!wanted.route || result.route === wanted.route)
      && (!wanted.outcome || result.outcome === wanted.outcome)
      && (!wanted.judgement || result.judgement === wanted.judgement)
      && (!wanted.answer || result.answer === wanted.answer)
      && wanted.words.every((word) => haystack(item, result).includes(word));
  }

  function wish() {
    const wanted = Object.fromEntries(new FormData(form));
    wanted.words = wanted.text.toLowerCase().split(/\s+/).filter(Boolean);
    return wanted;
  }

  let shown = [];
  let drawn = 0;

  function refresh() {
    const wanted = wish();
    shown = [];
    let results = 0;
    for (const item of cases) {
      const hits = item.results.filter((result) => matches(item, result, wanted));
      results += hits.length;
      if (hits.length) shown.push({ item, hits });
    }
    shown.sort((a, b) => worse(a.hits[0], b.hits[0]));
    list.replaceChildren();
    drawn = 0;
    count.textContent = `${shown.length} of ${cases.length} cases, ${results} of ${data.results.length} results`;
    extend();
  }

  function extend() {
    const next = shown.slice(drawn, drawn + PAGE);
    list.append(...next.map(({ item, hits }) => row(item, hits)));
    drawn += next.length;
    more.hidden = drawn >= shown.length;
    more.textContent = `Show ${Math.min(PAGE, shown.length - drawn)} more of ${shown.length - drawn}`;
  }

  function row(item, hits) {
    const worst = hits[0];
    const summary = make("summary", {},
      badge("o", worst.outcome),
      make("span", {}, make("b", {}, item.layer)),
      make("span", { class: "brief mono", title: item.id }, brief(item) || item.id),
      chips(item, hits));
    const details = make("details", { class: "case", "data-case": item.id }, summary);
    details.addEventListener("toggle", () => {
      if (details.open && details.children.length === 1) details.append(body(item, hits));
    });
    return details;
  }

  /* Routes that deviate by name, the agreeing ones by number: a row stays one line. */
  function chips(item, hits) {
    const loud = hits.filter((result) => result.judgement !== "passed" || !OUTCOMES.get(result.outcome).passes);
    const calm = hits.length - loud.length;
    const marks = { failed: "\u2717 ", expected: "e ", passed: "" };
    const nodes = loud.map((result) => make("span", { class: `chip o-${result.outcome}`, title: `${result.route}: ${result.outcome}, ${result.judgement}` },
      make("b", {}, marks[result.judgement]), result.route));
    if (calm) nodes.push(make("span", { class: "chip quiet" }, loud.length ? `${calm} agree` : `all ${calm} agree`));
    return make("span", { class: "chips" }, real(item, hits), ...nodes);
  }

  /* A case of real data says so, with the lowest top-1 agreement of its routes where it is a classifier's. */
  function real(item, hits) {
    const shares = hits.map((result) => (result.task || {}).top1_agreement).filter((share) => typeof share === "number");
    if (typeof item.config.data !== "string" && !shares.length) return null;
    const least = Math.min(...shares);
    const top = shares.length ? `, top-1 ${least < Math.max(...shares) ? "from " : ""}${percent(least)}` : "";
    return make("span", { class: "chip real", title: item.config.data }, `real data${top}`);
  }

  function body(item, hits) {
    const rest = item.results.filter((result) => !hits.includes(result));
    const loud = hits.filter((result) => result.judgement !== "passed");
    const first = loud.length ? loud : hits;
    const calm = [...hits.filter((result) => !first.includes(result)), ...rest].sort(worse);
    const right = make("div", {}, ...first.map(along));
    if (calm.length) {
      const others = make("details", { class: "others" }, make("summary", {}, `${calm.length} more route${calm.length > 1 ? "s" : ""} of this case`));
      others.addEventListener("toggle", () => {
        if (others.open && others.children.length === 1) others.append(...calm.map(along));
      });
      right.append(others);
    }
    return make("div", { class: "body" }, facts(item), right);
  }

  function facts(item) {
    const table = make("table", { class: "plain config" }, make("tbody", {},
      ...Object.entries(item.config).map(([key, value]) => make("tr", {}, make("th", { scope: "row" }, key), make("td", { class: "mono" }, plain(value))))));
    return make("div", {},
      make("h3", {}, "Configuration"),
      Object.keys(item.config).length ? table : make("p", { class: "quiet" }, "none"),
      make("p", { class: "quiet" }, `${item.dialect} \u00b7 ${[...new Set(item.results.map((result) => result.profile))].join(", ")} \u00b7 `, make("a", { href: `#${encodeURIComponent(item.id)}` }, make("code", {}, item.id))));
  }

  function along(result) {
    const stages = result.stages.map((place) => data.stages[place]);
    const at = result.fault ?? -1;
    const head = make("div", { class: "head" }, badge("j", result.judgement), make("code", {}, result.route),
      result.blame ? make("span", { class: "bad" }, "blame: ", make("b", {}, result.blame)) : null);
    const parts = [head, chain(stages, at)];
    if (result.recorded) parts.push(recorded(result, stages[result.recorded.stage]));
    if (result.message) parts.push(make("p", { class: "message" }, result.message));
    const loud = stages.filter((stage) => !OUTCOMES.get(stage.outcome).calm);
    const calm = stages.filter((stage) => !loud.includes(stage) && (stage.message || stage.picture));
    parts.push(...loud.filter((stage) => stage.message).map(said));
    if (result.expectation !== undefined) parts.push(note(data.expectations[result.expectation], result));
    parts.push(...pictures(loud));
    if (result.task) parts.push(make("div", { class: "figures" }, ...task(result.task, stages.at(-1))));
    parts.push(numbers(stages));
    stages.forEach((stage) => { if (stage.log) parts.push(log(stage)); });
    if (calm.length) parts.push(agreeing(calm));
    parts.push(replay(result.replay || `parity replay ${data.cases[result.case].id} --route ${result.route}`));
    return make("section", { class: "along" }, ...parts);
  }

  function recorded(result, stage) {
    return make("p", { class: "note" }, badge("a", result.answer), ` The record has ${result.recorded.cells} at `,
      make("b", {}, stage.hop || "source"), `, now it is ${stage.outcome}${stage.units === undefined ? "" : ` ${number(stage.units)}`}.`);
  }

  function pictures(stages) {
    const figures = stages.filter((stage) => stage.picture && stage.picture.length).map(picture);
    return figures.length ? [make("div", { class: "figures" }, ...figures), keys()] : [];
  }

  function agreeing(stages) {
    const details = make("details", { class: "calm" }, make("summary", {}, `Largest errors of the agreeing stage${stages.length > 1 ? "s" : ""}`));
    details.addEventListener("toggle", () => {
      if (details.open && details.children.length === 1) details.append(...stages.filter((stage) => stage.message).map(said), ...pictures(stages));
    });
    return details;
  }

  function chain(stages, at) {
    const items = stages.map((stage, place) => make("li", {},
      stage.hop ? make("span", { class: place === at ? "hop blamed" : "hop" }, stage.hop) : null,
      make("span", { class: `stage o-${stage.outcome}${place === at ? " blamed" : ""}` },
        make("b", {}, `${stage.outcome}${place === at ? " \u2190 blame" : ""}`),
        `${stage.artifact}${stage.runtime ? ` in ${stage.runtime}` : ", not run"}${stage.units === undefined ? "" : `, ${number(stage.units)} units`}`)));
    return make("ol", { class: "chain" }, ...items);
  }

  const said = (stage) => make("p", { class: "message" }, make("b", {}, `${stage.hop || "source"}${stage.runtime ? `, ${stage.runtime}` : ""}: `), stage.message);

  function numbers(stages) {
    const used = WORDS.metrics.filter(([key]) => stages.some((stage) => stage[key] !== undefined));
    const head = make("tr", {}, make("th", { scope: "col" }, "stage"), ...used.map(([, name]) => make("th", { scope: "col" }, name)));
    const rows = stages.map((stage) => make("tr", {},
      make("td", {}, `${stage.artifact}${stage.runtime ? ` in ${stage.runtime}` : ""}`), ...used.map(([key]) => make("td", {}, number(stage[key])))));
    return make("div", { class: "scroll" }, make("table", { class: "plain numbers" }, make("thead", {}, head), make("tbody", {}, ...rows)));
  }

  function note(expectation, result) {
    const link = expectation.link || "";
    const target = /^https?:\/\//.test(link) ? make("a", { href: link, rel: "noreferrer" }, link) : (link || null);
    const held = result.judgement === "expected" ? "Expected" : result.answer === "fixed" ? "Explained it before" : "Expected, but it is not what happened";
    return make("p", { class: "note" }, make("b", {}, `${held}: `), badge("o", expectation.outcome), " ", expectation.reason, " ",
      make("code", {}, expectation.id), " ", target);
  }

  /* Which key a digit falls under: keys are ranges such as "6-a", in order. */
  function level(digit) {
    const power = parseInt(digit, 36);
    return WORDS.picture.findIndex(([range]) => power <= parseInt(range.slice(-1), 36));
  }

  function keys() {
    return make("div", { class: "keys" }, "Noise units:", ...WORDS.picture.map(([digits, text], place) =>
      make("span", {}, make("span", { class: `key p${place}` }, digits), ` ${text}`)));
  }

  function picture(stage) {
    const rows = stage.picture;
    const width = Math.max(...rows.map((line) => line.length));
    const cells = rows.flatMap((line) => [...line.padEnd(width, " ")].map((digit) => make("span", digit.trim() ? { class: `p${level(digit)}` } : {}, digit)));
    const worst = rows.join("").split("").reduce((a, b) => (parseInt(b, 36) > parseInt(a, 36) ? b : a), "0");
    const label = `Error picture, ${rows.length} rows of ${width}, largest digit ${worst}`;
    return make("figure", {},
      make("figcaption", {}, `${stage.artifact} in ${stage.runtime || "?"}${stage.where ? `, largest at ${stage.where}` : ""}`),
      make("div", { class: "picture", role: "img", "aria-label": label, style: `grid-template-columns: repeat(${width}, 17px)` }, ...cells));
  }

  /* Beside the last stage's noise units, which the metrics were taken at: an error can be large and no class change. */
  function task(metrics, last) {
    const pairs = Object.entries(metrics);
    const scalars = pairs.filter(([, value]) => value === null || typeof value !== "object");
    const grids = pairs.filter(([, value]) => Array.isArray(value) && value.length && value.every(Array.isArray));
    const rest = pairs.filter((pair) => !scalars.includes(pair) && !grids.includes(pair));
    const share = (key, value) => typeof value === "number" && /(agreement|accuracy)$/.test(key);
    const lines = [
      ["noise units", number(last && last.units)],
      ...scalars.map(([key, value]) => [TASK[key] || key.replaceAll("_", " "), share(key, value) ? percent(value) : typeof value === "boolean" ? String(value) : number(value)]),
      ...rest.map(([key, value]) => [key.replaceAll("_", " "), plain(value)]),
    ];
    const figure = make("figure", {}, make("figcaption", {}, "Task metrics at the end of the route"), make("table", { class: "plain task" }, make("tbody", {},
      ...lines.map(([name, text]) => make("tr", {}, make("th", { scope: "row" }, name), make("td", {}, text))))));
    return [figure, ...grids.map(([key, rows]) => confusion(key, rows))];
  }

  function confusion(key, rows) {
    const square = rows.every((row) => row.length === rows.length);
    const head = make("tr", {}, make("th", {}, "\u2193 golden, route \u2192"), ...rows[0].map((_, place) => make("th", { scope: "col" }, String(place))));
    const lines = rows.map((row, y) => make("tr", {}, make("th", { scope: "row" }, String(y)),
      ...row.map((value, x) => make("td", { class: value === 0 ? "zero" : square && x !== y ? "wrong" : square ? "right" : null }, number(value)))));
    return make("figure", {}, make("figcaption", {}, `${key.replaceAll("_", " ")}, in samples`), make("div", { class: "scroll" },
      make("table", { class: "confusion" }, make("thead", {}, head), make("tbody", {}, ...lines))));
  }

  const log = (stage) => make("details", { class: "calm" }, make("summary", {}, `Log of ${stage.hop || "the source"} (last lines of stderr)`), make("pre", { class: "log mono" }, stage.log.map((place) => data.lines[place]).join("\n")));

  function replay(command) {
    const button = make("button", { type: "button", onclick: () => copy(command, button) }, "Copy");
    return make("div", { class: "replay" }, make("code", {}, command), button);
  }

  function copy(text, button) {
    const done = (worked) => {
      button.textContent = worked ? "Copied" : "Select it";
      setTimeout(() => { button.textContent = "Copy"; }, 1500);
    };
    if (navigator.clipboard && window.isSecureContext) {
      navigator.clipboard.writeText(text).then(() => done(true), () => done(false));
      return;
    }
    const area = make("textarea", { style: "position:fixed;opacity:0" });
    area.value = text;
    document.body.append(area);
    area.select();
    done(document.execCommand("copy"));
    area.remove();
    button.focus();
  }

  /* Not form.reset(): its event comes later and would draw the list again. */
  function clear() {
    for (const field of form.elements) if (field.name) field.value = "";
  }

  function choose(values) {
    clear();
    for (const [name, value] of Object.entries(values)) form.elements[name].value = value;
    refresh();
    const heading = document.getElementById("cases");
    heading.scrollIntoView();
    heading.focus({ preventScroll: true });
  }

  /* `#case-id` opens that case, so that a link can point at one. */
  function follow() {
    const id = decodeURIComponent(location.hash.slice(1));
    const place = cases.findIndex((item) => item.id === id);
    if (place < 0) return;
    clear();
    refresh();
    while (drawn <= shown.findIndex(({ item }) => item.id === id)) extend();
    const node = [...list.children].find((child) => child.dataset.case === id);
    node.open = true;
    node.scrollIntoView();
    node.firstChild.focus({ preventScroll: true });
  }

  form.addEventListener("input", refresh);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(refresh));
  more.addEventListener("click", extend);
  addEventListener("hashchange", follow);
  document.querySelectorAll("[data-filter]").forEach((node) => node.addEventListener("click", () => choose({ [node.dataset.filter]: node.dataset.value })));
  document.querySelectorAll(".matrix button").forEach((node) => node.addEventListener("click", () => choose({ layer: node.dataset.layer, route: node.dataset.route })));
  const first = document.querySelector("#defectlist");
  const rest = document.getElementById("alldefects");
  if (rest && first.tBodies[0].rows.length > 25) {
    first.classList.add("first");
    rest.hidden = false;
    rest.addEventListener("click", () => { first.classList.remove("first"); rest.hidden = true; });
  }
  const deviating = document.getElementById("deviating");
  if (deviating) deviating.addEventListener("change", () => document.querySelectorAll("table.matrix").forEach((table) => table.classList.toggle("hide-agreeing", deviating.checked)));
  refresh();
  follow();
})().catch((error) => {
  document.getElementById("count").textContent = `The list of cases could not be read (${error}). It needs a browser of 2023 or later.`;
});
