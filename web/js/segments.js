/*
 * The editor of a segment's rule: conditions as rows of selects, in groups of all, any or none, with a live count. What it
 * writes is the rule of the API; a part of a rule that rows cannot show stays as it is. A page of a segment has one editor,
 * whose rule goes into the hidden field "rule"; a page of a segmentation has one for each class, and the whole goes into the
 * field "document".
 *
 * STATES of a count  waiting (350 ms after a change) → asking → shown; a newer question cancels an older one
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

/** @typedef {{op: string, items: (Group|Condition)[]}} Group @typedef {{kind: string, op?: any, items?: undefined, [field: string]: any}} Condition */
/** @typedef {{value: string, text: string}} Choice */

const WAIT_MS = 350, DEPTH = 3, STEPS = 32;
const form = /** @type {HTMLFormElement} */ (document.querySelector("form[data-names]"));
/** @type {Record<string, Choice[]>} */ const names = JSON.parse(form.dataset.names || "{}");
/** @type {Record<string, string>} */ const texts = JSON.parse(form.dataset.texts || "{}");
const number = new Intl.NumberFormat(document.documentElement.dataset.region, { useGrouping: true });
const percent = new Intl.NumberFormat(document.documentElement.dataset.region, { style: "percent", maximumFractionDigits: 1 });
const say = (/** @type {string} */ key) => texts[key] ?? key;

/* ---- rule -> rows ---- */

const TIMES = /^(>=|<=|!=|==|=|>|<) *(\d+)$/, LENGTH = /^(\d+)([mhdw])$/;

/** @param {any} json @returns {Condition|null} */
function readWindow(json, /** @type {Condition} */ condition) {
  if (json.within) {
    const found = LENGTH.exec(json.within);
    if (!found) return null;
    return { ...condition, time: "within", n: found[1], unit: found[2] };
  }
  if (json.range) return { ...condition, time: "range", from: json.range.from ?? "", to: json.range.to ?? "" };
  return { ...condition, time: "" };
}

/** @param {any} matcher event or touchpoint as one text; null if it says more */
function readMatcher(matcher) {
  const keys = Object.keys(matcher ?? {}).filter((key) => key !== "where" && key !== "channel" && key !== "unit");
  if (keys.length === 0) return "*";
  if (keys.length > 1) return null;
  if (keys[0] === "event" && typeof matcher.event === "string") return matcher.event;
  if (keys[0] === "touchpoint" && typeof matcher.touchpoint === "string") return `@${matcher.touchpoint}`;
  return null;
}

/** @param {any} json @returns {Condition|null} */
function readLeaf(json) {
  const only = (/** @type {string[]} */ ...allowed) => Object.keys(json).every((key) => allowed.includes(key));
  if (typeof json.trait === "string" && only("trait", "op", "value")) return { kind: "trait", trait: json.trait, op: json.op ?? "=", value: show(json.value) };
  if (typeof json.in === "string" && only("in")) return { kind: "in", segment: json.in };
  if (json.not && typeof json.not.in === "string" && only("not")) return { kind: "not_in", segment: json.not.in };
  if (json.value && only("value")) return { kind: "value", of: json.value.of, op: json.value.op ?? "=", value: show(json.value.value) };
  if (json.answered && only("answered")) {
    const a = json.answered, plain = ["survey", "question", "metric"].every((key) => a[key] === undefined || typeof a[key] === "string");
    return plain ? readWindow(a, { kind: "answered", survey: a.survey ?? "", question: a.question ?? "", metric: a.metric ?? "", op: a.op ?? "=", value: show(a.value) }) : null;
  }
  if (Array.isArray(json.sequence) && json.sequence.length >= 2 && only("sequence", "within", "never")) {
    const steps = json.sequence.map(readMatcher), never = json.never ? readMatcher(json.never) : "";
    const length = json.within ? LENGTH.exec(json.within) : ["", "", "d"];
    const where = [...json.sequence, json.never ?? {}].some((/** @type {any} */ m) => m.where || m.channel || m.unit);
    return steps.includes(null) || never === null || !length || where ? null : { kind: "sequence", steps, never, n: length[1], unit: length[2] };
  }
  if (json.did && only("did", "times", "within", "range")) {
    const event = readMatcher(json.did), times = TIMES.exec(json.times ?? ">=1");
    const { channel = "", unit: place = "" } = json.did;
    if (event === null || !times || typeof channel !== "string" || typeof place !== "string") return null;
    const where = (json.did.where ?? []).map((/** @type {any} */ w) => ({ property: w.property, op: w.op ?? "=", value: show(w.value) }));
    const none = times[1].startsWith("=") && times[2] === "0";
    return readWindow(json, { kind: none ? "did_not" : "did", event, channel, place, where, compare: times[1] === "==" ? "=" : times[1], times: times[2] });
  }
  return null;
}

/** @param {any} json @returns {Group|Condition} */
function read(json, depth = 1) {
  if (Array.isArray(json?.all) && depth <= DEPTH) return { op: "all", items: json.all.map((/** @type {any} */ r) => read(r, depth + 1)) };
  if (Array.isArray(json?.any) && depth <= DEPTH) return { op: "any", items: json.any.map((/** @type {any} */ r) => read(r, depth + 1)) };
  if (Array.isArray(json?.not?.any) && depth <= DEPTH) return { op: "none", items: json.not.any.map((/** @type {any} */ r) => read(r, depth + 1)) };
  const leaf = readLeaf(json);
  if (leaf) return leaf;
  if (json?.not && depth <= DEPTH) return { op: "none", items: [read(json.not, depth + 1)] };
  return { kind: "raw", rule: json };
}

/* ---- rows -> rule ---- */

/** As it is typed: 12,5 is a number, true a truth value, "12" in quotes a text; lists are separated by commas. @param {any} value @returns {string} */
function show(value) {
  if (Array.isArray(value)) return value.map(show).join(", ");
  if (typeof value === "string") return value !== "" && typeof literal(value) !== "string" ? `"${value}"` : value;
  return value === undefined ? "" : String(value);
}
/** @param {string} text */
function literal(text) {
  const quoted = /^"(.*)"$/.exec(text);
  if (quoted) return quoted[1];
  if (text === "true" || text === "false") return text === "true";
  return /^-?\d+([.,]\d+)?$/.test(text) ? Number(text.replace(",", ".")) : text;
}
/** @param {any} to @param {string} op @param {string} value @returns {boolean} whether it says enough */
function writeOp(to, op, value) {
  to.op = op;
  if (op === "exists" || op === "absent") return true;
  if (value.trim() === "") return false;
  to.value = op === "in" ? value.split(/[,;]/).map((part) => literal(part.trim())).filter((part) => part !== "") : op === "contains" ? value : literal(value.trim());
  return true;
}
/** @param {any} to @param {Condition} c */
function writeWindow(to, c) {
  if (c.time === "within") { if (!(Number(c.n) > 0)) return false; to.within = `${c.n}${c.unit}`; }
  if (c.time === "range") {
    if (!c.from && !c.to) return false;
    to.range = Object.fromEntries([["from", c.from], ["to", c.to]].filter(([, date]) => date));
  }
  return true;
}
/** @param {string} text */
const matcher = (text) => (text === "*" ? {} : text.startsWith("@") ? { touchpoint: text.slice(1) } : { event: text });

/** @param {Condition} c @returns {any} null while it is unfinished */
function writeLeaf(c) {
  if (c.kind === "raw") return c.rule;
  if (c.kind === "in" || c.kind === "not_in") return !c.segment ? null : c.kind === "in" ? { in: c.segment } : { not: { in: c.segment } };
  if (c.kind === "trait") { const leaf = { trait: c.trait }; return c.trait && writeOp(leaf, c.op, c.value) ? leaf : null; }
  if (c.kind === "value") { const leaf = { of: c.of }; return c.of && writeOp(leaf, c.op, c.value) ? { value: leaf } : null; }
  if (c.kind === "answered") {
    /** @type {any} */ const leaf = Object.fromEntries(["survey", "question", "metric"].filter((key) => c[key]).map((key) => [key, c[key]]));
    if (c.value !== "" || c.op === "exists" || c.op === "absent") writeOp(leaf, c.op, c.value);
    return Object.keys(leaf).length && writeWindow(leaf, c) ? { answered: leaf } : null;
  }
  if (c.kind === "sequence") {
    if (c.steps.includes("")) return null;
    return { sequence: c.steps.map(matcher), ...(Number(c.n) > 0 ? { within: `${c.n}${c.unit}` } : {}), ...(c.never ? { never: matcher(c.never) } : {}) };
  }
  if (!c.event) return null;
  /** @type {any} */ const did = matcher(c.event);
  /** @type {any} */ const leaf = { did };
  const where = c.where.map((/** @type {any} */ w) => { const p = { property: w.property }; return w.property && writeOp(p, w.op, w.value) ? p : null; });
  if (where.includes(null)) return null;
  if (c.channel) did.channel = c.channel;
  if (c.place) did.unit = c.place;
  if (where.length) did.where = where;
  if (c.kind === "did_not") leaf.times = "=0";
  else if (c.compare !== ">=" || c.times !== "1") { if (c.times === "") return null; leaf.times = `${c.compare}${c.times}`; }
  return writeWindow(leaf, c) ? leaf : null;
}

/** @param {Group|Condition} node @returns {any} */
function write(node) {
  if (!node.items) return writeLeaf(node);
  const rules = node.items.map(write).filter((/** @type {any} */ rule) => rule !== null);
  if (!rules.length) return null;
  if (node.op === "none") return rules.length === 1 && rules[0].in ? { not: rules[0] } : { not: { any: rules } };
  return { [node.op]: rules };
}

/* ---- elements ---- */

/** The editor whose elements are being made or have just been used. @type {Editor} */ let editor;
/** @typedef {{place: HTMLElement, redraw: () => void, changed: () => void}} Editor */
const redraw = () => editor.redraw();
const changed = () => editor.changed();


/** @param {string} tag @param {Record<string, any>} [attributes] @param {...(Node|string|null)} children */
function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

const ANOTHER = "\u0000another";

/** other: a name that is not there yet may be typed instead. @param {Condition} c @param {string} field @param {Choice[]} choices @param {string} label @param {{class?: string, redraw?: boolean, empty?: string, other?: boolean}} [how] */
function select(c, field, choices, label, how = {}) {
  const known = choices.some((choice) => choice.value === c[field]);
  const options = [
    ...(how.empty !== undefined ? [{ value: "", text: how.empty }] : []), ...choices,
    ...(!known && c[field] ? [{ value: c[field], text: c[field] }] : []),
    ...(how.other ? [{ value: ANOTHER, text: say("another") }] : []),
  ];
  const element = h("select", { class: `select small ${how.class ?? ""}`, "aria-label": label, onchange: () => {
    const chosen = /** @type {HTMLSelectElement} */ (element).value;
    if (chosen === ANOTHER) {
      c[field] = "";
      const typed = input(c, field, say("another_name"), { class: `input small ${how.class ?? ""}`, maxlength: "120" });
      element.replaceWith(typed);
      typed.focus();
      return changed();
    }
    c[field] = chosen;
    how.redraw ? redraw() : changed();
  } },
    ...options.map((choice) => h("option", { value: choice.value, selected: choice.value === c[field] }, choice.text)));
  return element;
}

/** @param {Condition} c @param {string} field @param {string} label @param {Record<string, any>} [more] */
function input(c, field, label, more = {}) {
  const element = /** @type {HTMLInputElement} */ (h("input", { class: "input small", "aria-label": label, placeholder: label, autocomplete: "off", value: c[field] ?? "", ...more, oninput: () => { c[field] = element.value; changed(); } }));
  return element;
}

const choicesOf = (/** @type {string} */ prefix, /** @type {string[]} */ values) => values.map((value) => ({ value, text: say(`${prefix}.${value}`) }));
const OPS = choicesOf("op", ["=", "!=", ">", ">=", "<", "<=", "in", "contains", "exists", "absent"]);
const ORDERED = choicesOf("op", [">=", ">", "<=", "<", "="]);
const UNITS = choicesOf("unit", ["d", "h", "m", "w"]);
const needsValue = (/** @type {Condition} */ c) => c.op !== "exists" && c.op !== "absent";

/** @param {Condition} c */
function windowFields(c) {
  const fields = [select(c, "time", choicesOf("time", ["", "within", "range"]), say("time"), { redraw: true })];
  if (c.time === "within") fields.push(input(c, "n", say("length"), { type: "number", min: "1", max: "9999", class: "input small tiny" }), select(c, "unit", UNITS, say("unit")));
  if (c.time === "range") fields.push(input(c, "from", say("from"), { type: "date" }), input(c, "to", say("to"), { type: "date" }));
  return fields;
}

const happenings = () => [{ value: "*", text: say("anything") }, ...(names.events ?? []), ...(names.touchpoints ?? []).map((t) => ({ value: `@${t.value}`, text: `${say("at")} ${t.text}` }))];

/** Through which channel, and where: units only where there are some. @param {Condition} c */
const placeFields = (c) => [select(c, "channel", names.channels ?? [], say("channel"), { empty: say("any_channel") }),
  ...(names.units?.length || c.place ? [select(c, "place", names.units ?? [], say("place"), { empty: say("any_place") })] : [])];

/** @param {Condition} c */
function whereFields(c) {
  return c.where.map((/** @type {Condition} */ w, /** @type {number} */ i) => h("div", { class: "rule-where" }, h("span", { class: "quiet" }, say("with")),
    select(w, "property", names.properties ?? [], say("property"), { empty: say("choose"), class: "wide" }), select(w, "op", OPS, say("operator"), { redraw: true }),
    needsValue(w) ? input(w, "value", say("value"), { class: "input small wide" }) : null,
    h("button", { type: "button", class: "button quiet small", onclick: () => { c.where.splice(i, 1); redraw(); } }, say("remove_where"))));
}

/** @type {Record<string, (c: Condition) => (Node|null)[]>} */
const FIELDS = {
  did: (c) => [select(c, "event", happenings(), say("event"), { empty: say("choose"), class: "wide", other: true }), ...placeFields(c), select(c, "compare", ORDERED, say("times")),
    input(c, "times", say("times"), { type: "number", min: "0", max: "999999", class: "input small tiny" }), h("span", {}, say("times_word")), ...windowFields(c), ...whereFields(c), whereButton(c)],
  did_not: (c) => [select(c, "event", happenings(), say("event"), { empty: say("choose"), class: "wide", other: true }), ...placeFields(c), ...windowFields(c), ...whereFields(c), whereButton(c)],
  trait: (c) => [select(c, "trait", names.traits ?? [], say("trait"), { empty: say("choose"), class: "wide" }), select(c, "op", OPS, say("operator"), { redraw: true }), needsValue(c) ? input(c, "value", say("value"), { class: "input small wide" }) : null],
  answered: (c) => [select(c, "metric", names.metrics ?? [], say("metric"), { empty: say("any_metric") }), select(c, "survey", names.surveys ?? [], say("survey"), { empty: say("any_survey"), class: "wide" }),
    ...(names.questions?.length || c.question ? [select(c, "question", names.questions ?? [], say("question"), { empty: say("any_question"), class: "wide" })] : []),
    select(c, "op", OPS.filter((op) => op.value !== "exists" && op.value !== "absent"), say("operator")), input(c, "value", say("answer"), { class: "input small tiny" }), ...windowFields(c)],
  sequence: (c) => [...c.steps.flatMap((/** @type {string} */ _, /** @type {number} */ i) => [i ? h("span", {}, say("then")) : null,
    select(c.steps, String(i), happenings(), `${say("event")} ${i + 1}`, { empty: say("choose"), class: "wide" }),
    i > 1 ? h("button", { type: "button", class: "button quiet square small", "aria-label": `${say("remove_step")} ${i + 1}`, title: say("remove_step"), onclick: () => { c.steps.splice(i, 1); redraw(); } }, "✕") : null]),
    c.steps.length < STEPS ? h("button", { type: "button", class: "button quiet small", onclick: () => { c.steps.push(""); redraw(); } }, say("add_step")) : null,
    h("span", {}, say("in_time")), input(c, "n", "∞", { type: "number", min: "1", max: "9999", class: "input small tiny", "aria-label": say("length") }), select(c, "unit", UNITS, say("unit")),
    h("span", {}, say("never")), select(c, "never", happenings().slice(1), say("never"), { empty: say("nothing"), class: "wide" })],
  value: (c) => [select(c, "of", names.numbers ?? [], say("number"), { empty: say("choose"), class: "wide" }), select(c, "op", ORDERED, say("operator")), input(c, "value", say("value"), { inputmode: "decimal", class: "input small tiny" })],
  in: (c) => [select(c, "segment", names.segments ?? [], say("segment"), { empty: say("choose"), class: "wide" })],
  not_in: (c) => [select(c, "segment", names.segments ?? [], say("segment"), { empty: say("choose"), class: "wide" })],
  raw: (c) => [h("code", { class: "wrap" }, JSON.stringify(c.rule))],
};
const KINDS = Object.keys(FIELDS).filter((kind) => kind !== "raw");

/** @param {Condition} c */
const whereButton = (c) => h("button", { type: "button", class: "button quiet small", onclick: () => { c.where.push({ kind: "where", property: "", op: "=", value: "" }); redraw(); } }, say("add_where"));

/** @param {string} kind @returns {Condition} */
const fresh = (kind) => ({ kind, event: "", channel: "", place: "", where: [], compare: ">=", times: "1", time: "", n: "30", unit: "d", from: "", to: "", trait: "", of: "", segment: "", survey: "", question: "", metric: "", op: kind === "value" ? ">=" : "=", value: "", steps: ["", ""], never: "" });

/** @param {Condition} c @param {Group} group @param {number} i */
function row(c, group, i) {
  const kinds = c.kind === "raw" ? [...KINDS, "raw"] : KINDS;
  const kind = /** @type {HTMLSelectElement} */ (h("select", { class: "select small kind", "aria-label": say("kind"), onchange: () => {
    const before = c, time = { time: before.time ?? "", n: before.n ?? "30", unit: before.unit ?? "d" };
    group.items[i] = { ...fresh(kind.value), ...time, event: before.event ?? "", channel: before.channel ?? "", place: before.place ?? "", where: before.where ?? [] };
    redraw();
  } }, ...choicesOf("kind", kinds).map((choice) => h("option", { value: choice.value, selected: choice.value === c.kind }, choice.text))));
  return h("li", { class: "rule-row", "data-unfinished": writeLeaf(c) === null },
    h("div", { class: "rule-fields" }, kind, ...FIELDS[c.kind](c)),
    h("button", { type: "button", class: "button quiet square small", "aria-label": `${say("remove")} ${i + 1}`, title: say("remove"), onclick: () => { group.items.splice(i, 1); redraw(); } }, "✕"));
}

/** @param {Group} group @param {(() => void)|null} remove @param {number} depth @returns {HTMLElement} */
function draw(group, remove, depth) {
  const op = /** @type {HTMLSelectElement} */ (h("select", { class: "select small", "aria-label": say("group"), onchange: () => { group.op = op.value; changed(); } },
    ...choicesOf("group", ["all", "any", "none"]).map((choice) => h("option", { value: choice.value, selected: choice.value === group.op }, choice.text))));
  const add = (/** @type {Group|Condition} */ item) => { group.items.push(item); redraw(); [...editor.place.querySelectorAll(".rule-row .kind")].at(-1)?.scrollIntoView({ block: "nearest" }); };
  return h("section", { class: "rule-group", "aria-label": say("group") },
    h("header", {}, op, h("span", { class: "quiet" }, say("of_these")), remove ? h("button", { type: "button", class: "button quiet small end", onclick: remove }, say("remove_group")) : null),
    h("ol", {}, ...group.items.map((item, i) => (item.items
      ? h("li", {}, draw(item, () => { group.items.splice(i, 1); redraw(); }, depth + 1))
      : row(item, group, i)))),
    h("div", { class: "rule-foot" }, h("button", { type: "button", class: "button small", "data-add": true, onclick: () => add(fresh("did")) }, `+ ${say("add")}`),
      depth < DEPTH ? h("button", { type: "button", class: "button quiet small", onclick: () => add({ op: group.op === "all" ? "any" : "all", items: [fresh("did")] }) }, `+ ${say("add_group")}`) : null));
}

/* ---- one editor ---- */

/** Unfinished rows are marked. @param {Group} group @param {Element[]} rows in the order of the page */
function mark(group, rows) {
  for (const item of group.items) {
    if (item.items) mark(item, rows);
    else rows.shift()?.toggleAttribute("data-unfinished", writeLeaf(item) === null);
  }
}

/** @param {HTMLElement} root with the rule in data-segment-rule @param {() => void} told after each change @returns {() => any} the rule, null while nothing is finished */
function edit(root, told) {
  const place = h("div");
  root.append(place);
  const begun = root.dataset.segmentRule ? read(JSON.parse(root.dataset.segmentRule)) : null;
  /** @type {Group} */ const model = begun?.items ? begun : { op: "all", items: begun ? [begun] : [fresh("did")] };
  /** @type {Editor} */ const self = {
    place,
    /** What has the focus is found again by its place and label. */
    redraw() {
      const controls = () => /** @type {HTMLElement[]} */ ([...place.querySelectorAll("select, input, button")]);
      const at = controls().indexOf(/** @type {HTMLElement} */ (document.activeElement)), id = document.activeElement?.getAttribute("aria-label");
      place.replaceChildren(draw(model, null, 1));
      const now = controls(), near = now[Math.min(at, now.length - 1)];
      if (at >= 0) (now.slice(Math.max(0, at - 1), at + 2).find((control) => control.getAttribute("aria-label") === id && id) ?? near)?.focus();
      self.changed();
    },
    changed() {
      place.querySelectorAll(".rule-row").forEach((element) => element.removeAttribute("data-unfinished"));
      mark(model, [...place.querySelectorAll(".rule-row")]);
      told();
    },
  };
  for (const event of ["focusin", "pointerdown", "input", "change", "click"]) place.addEventListener(event, () => { editor = self; }, true);
  editor = self;
  place.replaceChildren(draw(model, null, 1));
  mark(model, [...place.querySelectorAll(".rule-row")]);
  return () => write(model);
}

/* ---- counts ---- */

let waiting = 0;
/** @type {AbortController|null} */ let asking = null;

/** @param {string} path @param {any} body @returns {Promise<{ok: boolean, found: any}|null>} null: a newer question came */
async function preview(path, body) {
  const mine = (asking = new AbortController());
  try {
    const answer = await fetch(path, { method: "POST", signal: mine.signal, body: JSON.stringify(body),
      headers: { "Content-Type": "application/json", "X-CSRF-Token": /** @type {HTMLInputElement} */ (form.elements.namedItem("csrf")).value } });
    return { ok: answer.ok, found: await answer.json() };
  } catch (error) {
    return mine.signal.aborted ? null : { ok: false, found: { detail: say("failed") } };
  }
}

/** @param {() => void} ask */
function soon(ask) {
  clearTimeout(waiting);
  asking?.abort();
  waiting = window.setTimeout(ask, WAIT_MS);
}

/** What a rule names and nothing bears yet, in words. @param {any[]} [warnings] */
const neverSeen = (warnings = []) => warnings.map((warning) => say("never_seen").replace("%s", warning.name) + (warning.nearest ? ` ${say("nearest").replace("%s", warning.nearest)}` : "")).join(" ");

const shareText = (/** @type {number} */ n, /** @type {number} */ all) => say("share").replace("%s", percent.format(all ? n / all : 0)).replace("%n", number.format(all));

/* ---- a segment ---- */

function segment() {
  const hidden = /** @type {HTMLInputElement} */ (form.elements.namedItem("rule"));
  const output = /** @type {HTMLElement} */ (document.querySelector("[data-segment-count]"));
  const part = (/** @type {string} */ name) => /** @type {HTMLElement} */ (output.querySelector(`[data-${name}]`));
  const rule = edit(/** @type {HTMLElement} */ (form.querySelector("[data-segment-rule]")), keep);

  function keep() {
    const written = rule();
    hidden.value = written ? JSON.stringify(written) : "";
    soon(count);
  }
  async function count() {
    if (!hidden.value) { part("figure").textContent = "–"; part("note").textContent = say("unfinished"); part("people").replaceChildren(); return; }
    output.setAttribute("aria-busy", "true");
    const answer = await preview("/api/v1/segments/preview", { rule: JSON.parse(hidden.value) });
    if (!answer) return;
    const { ok, found } = answer;
    output.removeAttribute("aria-busy");
    part("figure").textContent = ok ? number.format(found.count) : "–";
    part("note").textContent = ok ? [shareText(found.count, found.customers), neverSeen(found.warnings)].filter(Boolean).join(". ") : `${say("refused")} ${found.errors?.[0]?.message ?? found.detail ?? ""}`;
    part("people").replaceChildren(...(ok ? found.sample : []).map((/** @type {any} */ person) => h("li", {}, h("a", { href: `/customers/${encodeURIComponent(person.id)}`, target: "_blank", rel: "noopener" }, person.user_id ?? say("anonymous")))));
  }
  form.addEventListener("submit", (event) => {
    if (hidden.value) return;
    event.preventDefault();
    part("note").textContent = say("unfinished");
    /** @type {HTMLElement|null} */ (form.querySelector(".rule-row select, .rule-row input"))?.focus();
  });
  keep();
}

/* ---- a segmentation ---- */

function segmentation() {
  const list = /** @type {HTMLElement} */ (form.querySelector("[data-classes]")), rest = /** @type {HTMLElement} */ (form.querySelector("[data-rest]"));
  const hidden = /** @type {HTMLInputElement} */ (form.elements.namedItem("document"));
  const note = /** @type {HTMLElement} */ (form.querySelector("[data-note]"));
  /** @type {WeakMap<Element, () => any>} */ const rules = new WeakMap();
  const cards = () => /** @type {HTMLElement[]} */ ([...list.children]);

  /** The fields of a card as members; "persona.name" goes into persona. @param {HTMLElement} card */
  function members(card) {
    /** @type {any} */ const out = {};
    for (const field of /** @type {NodeListOf<HTMLInputElement>} */ (card.querySelectorAll("[data-field]"))) {
      const [name, inner] = (field.dataset.field ?? "").split("."), value = field.value.trim();
      if (value && inner) (out[name] ??= {})[inner] = value;
      else if (value) out[name] = value;
    }
    return out;
  }
  function keep() {
    const classes = cards().map((card) => ({ ...members(card), rule: rules.get(card)?.() ?? null }));
    const left = members(rest), whole = { ...members(/** @type {HTMLElement} */ (form.querySelector("[data-whole]"))), classes, ...(Object.keys(left).length ? { rest: left } : {}) };
    hidden.value = classes.every((one) => one.rule) && classes.length ? JSON.stringify(whole) : "";
    cards().forEach((card, i) => {
      /** @type {HTMLElement} */ (card.querySelector("[data-place]")).textContent = String(i + 1);
      card.querySelector("[data-up]")?.toggleAttribute("disabled", i === 0);
      card.querySelector("[data-down]")?.toggleAttribute("disabled", i === cards().length - 1);
    });
    soon(count);
  }
  async function count() {
    const places = [...cards(), rest].map((card) => /** @type {HTMLElement} */ (card.querySelector("[data-size]")));
    note.textContent = hidden.value ? "" : say("unfinished_class");
    if (!hidden.value) { places.forEach((place) => { place.textContent = ""; }); return; }
    const answer = await preview("/api/v1/segmentations/preview", { classes: JSON.parse(hidden.value).classes.map((/** @type {any} */ one) => ({ rule: one.rule })) });
    if (!answer) return;
    const { ok, found } = answer;
    if (!ok) note.textContent = `${say("refused")} ${found.errors?.[0]?.message ?? found.detail ?? ""}`;
    places.forEach((place, i) => { place.textContent = ok ? `${number.format(found.sizes[i])} · ${percent.format(found.customers ? found.sizes[i] / found.customers : 0)}` : ""; });
  }
  /** @param {HTMLElement} card */
  function begin(card) {
    rules.set(card, edit(/** @type {HTMLElement} */ (card.querySelector("[data-segment-rule]")), keep));
  }
  form.addEventListener("click", (event) => {
    const button = /** @type {HTMLElement|null} */ (/** @type {Element} */ (event.target).closest("button")), card = /** @type {HTMLElement|null} */ (button?.closest("[data-class]") ?? null);
    if (!button) return;
    if ("more" in button.dataset) {
      const copy = /** @type {HTMLElement} */ (/** @type {DocumentFragment} */ (/** @type {HTMLTemplateElement} */ (form.querySelector("template")).content.cloneNode(true)).firstElementChild);
      list.append(copy);
      begin(copy);
      /** @type {HTMLElement|null} */ (copy.querySelector("[data-field=title]"))?.focus();
    } else if (!card) return;
    else if ("gone" in button.dataset) card.remove();
    else if ("up" in button.dataset) card.previousElementSibling?.before(card);
    else if ("down" in button.dataset) card.nextElementSibling?.after(card);
    else return;
    if (card?.isConnected) (button.hasAttribute("disabled") ? card.querySelector("input") : button)?.focus();
    keep();
  });
  form.addEventListener("input", keep);
  form.addEventListener("change", keep);
  form.addEventListener("submit", (event) => {
    keep();
    if (hidden.value) return;
    event.preventDefault();
    note.textContent = say("unfinished_class");
    note.scrollIntoView({ block: "center" });
  });
  cards().forEach(begin);
  keep();
}

if (form.querySelector("[data-classes]")) segmentation(); else segment();
