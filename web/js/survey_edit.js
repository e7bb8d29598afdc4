/**
 * The survey editor: the draft as an object, each change undone and done again, kept through the API a moment after.
 *
 * The form is drawn anew after a change of structure and keeps the focus by the names of its controls; typing changes the draft alone.
 * What is wrong with the draft is said by the server (`fault`), which keeps unfinished drafts too.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

/** @typedef {any} Json */

const editor = /** @type {HTMLElement} */ (document.getElementById("editor"));
const form = /** @type {HTMLElement} */ (document.getElementById("form"));
const frame = /** @type {HTMLIFrameElement} */ (document.getElementById("preview"));
const stateText = /** @type {HTMLElement} */ (document.getElementById("state"));
const id = editor.dataset.survey ?? "", path = editor.dataset.path ?? "", csrf = editor.dataset.csrf ?? "";
/** @type {Json} */
const words = JSON.parse(editor.dataset.words ?? "{}");
const icons = (document.querySelector("use")?.getAttribute("href") ?? "").split("#")[0];
const SAVE_MS = 500, UNDO_MAX = 200;
const TYPES = Object.keys(words.types);
const OPS = ["=", "!=", "<", "<=", ">", ">=", "in", "contains", "exists", "absent"];
const CHOICES = ["choice", "choices", "picture", "ranking"];

/** @type {Json} */
let draft = null;
let language = "";
/** @type {string[]} */
let past = [];
/** @type {string[]} */
let future = [];
let typing = "", timer = 0, changes = 0, kept = 0;
/** The saving that is going on. @type {Promise<void> | null} */
let saving = null;
/** Open cards, by id of the question. */
const open = new Set(["settings"]);

/* ---- small things ---- */

/** @param {string} tag @param {Record<string, Json>} [attributes] @param {...(Node | string | null)} children @returns {Json} */
function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on"))
      element.addEventListener(name.slice(2), value);
    else if (typeof value === "boolean")
      element.toggleAttribute(name, value);
    else if (value !== undefined && value !== null)
      element.setAttribute(name, String(value));
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** @param {string} name */
function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg"), use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  svg.setAttribute("class", "icon small");
  svg.setAttribute("aria-hidden", "true");
  use.setAttribute("href", `${icons}#${name}`);
  svg.append(use);
  return svg;
}

/** @param {string} name @param {string} label @param {string} key @param {() => void} act @param {boolean} [off] */
function tool(name, label, key, act, off = false) {
  return el("button", { type: "button", class: "button quiet square small", "aria-label": label, title: label, "data-key": key, onclick: act, disabled: off }, icon(name));
}

/** @param {string} label @param {string} key @param {() => void} act */
function adder(label, key, act) {
  return el("button", { type: "button", class: "button small", "data-key": key, onclick: act }, icon("plus"), label);
}

/** @param {Json} text */
function textIn(text) {
  return typeof text === "object" && text ? text[language] ?? "" : text ?? "";
}

/** @param {Json} text */
function shown(text) {
  return textIn(text) || (typeof text === "object" && text ? Object.values(text)[0] ?? "" : "");
}

/** @param {Json} owner @param {string} name @param {string} value */
function setText(owner, name, value) {
  const several = (draft.languages ?? ["es"]).length > 1;
  const text = typeof owner[name] === "object" && owner[name] ? owner[name] : typeof owner[name] === "string" && owner[name] ? { [draft.languages?.[0] ?? "es"]: owner[name] } : {};
  if (several) {
    if (value) text[language] = value;
    else delete text[language];
    owner[name] = text;
  } else {
    owner[name] = value;
  }
  if (!owner[name] || (typeof owner[name] === "object" && !Object.keys(owner[name]).length))
    delete owner[name];
}

/** @returns {Json[]} */
const questions = () => draft.pages.flatMap((/** @type {Json} */ page) => page.questions ?? []);

/** @param {string} base @param {string[]} taken */
function freeId(base, taken) {
  let made = base;
  for (let i = 2; taken.includes(made); i++)
    made = `${base}-${i}`;
  return made;
}

/* ---- changing, undoing, keeping ---- */

/** Remembers what was, changes, draws. key: of a field that is typed into, whose letters are one step. @param {() => void} change @param {string} [key] */
function commit(change, key = "") {
  if (!key || key !== typing) {
    past.push(JSON.stringify(draft));
    if (past.length > UNDO_MAX)
      past.shift();
  }
  typing = key;
  future = [];
  change();
  if (!key)
    draw();
  keep();
}

/** @param {string[]} from @param {string[]} to */
function travel(from, to) {
  const text = from.pop();
  if (text === undefined)
    return;
  to.push(JSON.stringify(draft));
  draft = JSON.parse(text);
  typing = "";
  draw();
  keep();
}

function keep() {
  changes++;
  buttons();
  stateText.textContent = words.saving;
  clearTimeout(timer);
  timer = window.setTimeout(save, SAVE_MS);
}

/** Once it is over, the draft is kept as it stands, unless the network fails. */
function save() {
  clearTimeout(timer);
  saving ??= putDraft().finally(() => { saving = null; });
  return saving;
}

async function putDraft() {
  while (kept !== changes) {
    const now = changes;
    try {
      const answer = await fetch(`/api/v1/surveys/${encodeURIComponent(id)}?incomplete=true`, {
        method: "PUT", headers: { "content-type": "application/json", "x-csrf-token": csrf }, body: JSON.stringify({ definition: draft }) });
      const json = await answer.json();
      kept = now;
      if (now === changes)
        stateText.textContent = answer.ok ? words.saved : `${words.not_saved} ${json.detail ?? ""}`;
      if (answer.ok)
        tell(json);
    } catch {
      stateText.textContent = words.not_saved;
      timer = window.setTimeout(save, 3000);
      return;
    }
  }
}

/** @param {Json} survey */
function tell(survey) {
  const fault = /** @type {HTMLElement} */ (document.getElementById("fault"));
  fault.hidden = !survey.fault;
  if (survey.fault)
    fault.textContent = `${words.fault} ${place(survey.fault.pointer)}: ${survey.fault.message}`;
  /** @type {HTMLButtonElement} */ (document.getElementById("publish")).disabled = Boolean(survey.fault) || !survey.draft_differs;
  preview();
}

/** Where a pointer leads, in words. @param {string} pointer */
function place(pointer) {
  const [, page, question] = pointer.match(/^\/pages\/(\d+)(?:\/questions\/(\d+))?/) ?? [];
  if (page === undefined)
    return pointer;
  const at = question === undefined ? null : draft.pages[page]?.questions?.[question];
  return `${words.page} ${Number(page) + 1}${at ? ` · ${shown(at.text) || at.id}` : ""} ${pointer.split("/").slice(question === undefined ? 3 : 5).join("/")}`;
}

function preview() {
  const page = editor.dataset.page ?? "";
  frame.src = `${path}/preview?lang=${encodeURIComponent(language)}&page=${encodeURIComponent(page)}`;
}

function buttons() {
  /** @type {HTMLButtonElement} */ (document.getElementById("undo")).disabled = !past.length;
  /** @type {HTMLButtonElement} */ (document.getElementById("redo")).disabled = !future.length;
}

/* ---- fields ---- */

let counter = 0;
/** @param {string} label @param {Json} control @param {string} [hint] */
function field(label, control, hint) {
  const name = `f${++counter}`;
  control.id = name;
  return el("div", { class: "field" }, el("label", { for: name }, label), control, hint ? el("p", { class: "hint" }, hint) : null);
}

/** @param {Json} owner @param {string} name @param {string} key @param {Record<string, Json>} [more] */
function textInput(owner, name, key, more = {}) {
  const input = el(more.rows ? "textarea" : "input", { class: more.rows ? "textarea" : "input", "data-key": key, ...more });
  input.value = textIn(owner[name]);
  input.addEventListener("input", () => commit(() => setText(owner, name, input.value), key));
  return input;
}

/** @param {Json} owner @param {string} name @param {string} key @param {Record<string, Json>} [more] */
function plainInput(owner, name, key, more = {}) {
  const input = el("input", { class: "input", "data-key": key, ...more });
  input.value = owner[name] ?? "";
  input.addEventListener("input", () => commit(() => {
    if (input.value === "") delete owner[name];
    else owner[name] = more.type === "number" ? Number(input.value) : input.value;
  }, key));
  return input;
}

/** @param {Json} owner @param {string} name @param {string} key */
function listInput(owner, name, key) {
  const input = el("input", { class: "input", "data-key": key });
  input.value = (owner[name] ?? []).join(", ");
  input.addEventListener("change", () => commit(() => {
    const list = input.value.split(/[,\s]+/).filter(Boolean);
    if (list.length) owner[name] = list;
    else delete owner[name];
  }));
  return input;
}

/** Which details are asked for; at least one is. @param {any} q @param {string} key */
function contactFields(q, key) {
  const asked = () => q.fields ?? ["name", "email"];
  return Object.entries(words.contact).map(([name, label]) => {
    const input = el("input", { type: "checkbox", "data-key": `${key}.fields.${name}`, onchange: () => commit(() => {
      const list = Object.keys(words.contact).filter((one) => (one === name ? input.checked : asked().includes(one)));
      q.fields = list.length ? list : [name];
    }) });
    input.checked = asked().includes(name);
    return el("label", { class: "check" }, input, el("span", {}, label));
  });
}

/** @param {[string, string][]} options @param {string} value @param {string} key @param {(value: string) => void} change */
function select(options, value, key, change) {
  const input = el("select", { class: "select", "data-key": key, onchange: () => commit(() => change(input.value)) },
    ...options.map(([name, text]) => el("option", { value: name, selected: name === value }, text)));
  return input;
}

/** @param {Json} owner @param {string} name @param {string} label @param {string} key @param {boolean} [standard] */
function check(owner, name, label, key, standard = false) {
  const input = el("input", { type: "checkbox", "data-key": key, onchange: () => commit(() => {
    if (input.checked === standard) delete owner[name];
    else owner[name] = input.checked;
  }) });
  input.checked = owner[name] === undefined ? standard : Boolean(owner[name]);
  return el("label", { class: "check" }, input, label);
}

/** @param {Json[]} list @param {number} i @param {number} by */
function move(list, i, by) {
  const [taken] = list.splice(i, 1);
  list.splice(i + by, 0, taken);
}

/** @param {Json[]} list @param {number} i @param {string} key */
function mover(list, i, key) {
  return [tool("up", words.up, `${key}.up`, () => commit(() => move(list, i, -1)), i === 0),
    tool("down", words.down, `${key}.down`, () => commit(() => move(list, i, 1)), i === list.length - 1),
    tool("trash", words.remove, `${key}.remove`, () => commit(() => list.splice(i, 1)))];
}

/* ---- conditions ---- */

/** Conditions as rows, or null where they stand in each other. @param {Json} condition @returns {{join: string, rows: Json[]} | null} */
function asRows(condition) {
  if (!condition)
    return { join: "all", rows: [] };
  const join = condition.any ? "any" : "all", rows = condition.all ?? condition.any ?? [condition];
  return rows.every((/** @type {Json} */ row) => row.question || row.hidden || row.trait) ? { join, rows } : null;
}

/** @param {Json} owner @param {string} name @param {Json[]} before @param {string} key */
function condition(owner, name, before, key) {
  const known = asRows(owner[name]);
  const box = el("div", { class: "ed-condition" });
  if (!known) {
    const raw = el("textarea", { class: "textarea mono", rows: 4, "data-key": key, "aria-label": words.advanced });
    raw.value = JSON.stringify(owner[name], null, 1);
    raw.addEventListener("change", () => {
      try {
        const json = JSON.parse(raw.value);
        commit(() => { owner[name] = json; });
        raw.setCustomValidity("");
      } catch {
        raw.setCustomValidity("JSON");
        raw.reportValidity();
      }
    });
    box.append(raw);
    return box;
  }
  /** @param {Json[]} rows @param {string} join */
  const put = (rows, join) => {
    if (!rows.length) delete owner[name];
    else owner[name] = rows.length === 1 ? rows[0] : { [join]: rows };
  };
  if (known.rows.length > 1)
    box.append(select([["all", words.all], ["any", words.any]], known.join, `${key}.join`, (value) => put(known.rows, value)));
  known.rows.forEach((row, i) => box.append(conditionRow(row, known.rows, i, before, `${key}.${i}`, () => put(known.rows, known.join))));
  const first = before.length ? { question: before[before.length - 1].id } : draft.hidden?.length ? { hidden: draft.hidden[0] } : draft.traits?.length ? { trait: draft.traits[0] } : null;
  if (first)
    box.append(el("div", {}, adder(words.add_condition, `${key}.add`, () => commit(() => put([...known.rows, { ...first, op: "exists" }], known.join)))));
  return known.rows.length || first ? box : el("p", { class: "hint" }, words.always);
}

/** @param {Json} row @param {Json[]} rows @param {number} i @param {Json[]} before @param {string} key @param {() => void} put */
function conditionRow(row, rows, i, before, key, put) {
  /** @type {[string, string][]} */
  const names = [...before.map((q) => /** @type {[string, string]} */ ([`question:${q.id}`, shown(q.text) || q.id])),
    ...(draft.hidden ?? []).map((/** @type {string} */ name) => [`hidden:${name}`, `${words.hidden}: ${name}`]),
    ...(draft.traits ?? []).map((/** @type {string} */ name) => [`trait:${name}`, `${words.traits}: ${name}`])];
  const of = row.question ? `question:${row.question.split(".")[0]}` : row.hidden ? `hidden:${row.hidden}` : `trait:${row.trait}`;
  const question = row.question ? questions().find((q) => q.id === row.question.split(".")[0]) : null;
  const line = el("div", { class: "ed-row" });
  const who = select(names, of, `${key}.of`, (value) => {
    const [kind, name] = [value.slice(0, value.indexOf(":")), value.slice(value.indexOf(":") + 1)];
    for (const member of ["question", "hidden", "trait"]) delete row[member];
    row[kind] = name;
  });
  const op = select(OPS.map((name) => [name, words[`op.${name}`]]), row.op ?? "=", `${key}.op`, (value) => {
    row.op = value;
    if (value === "exists" || value === "absent") delete row.value;
    else if (value === "in") row.value = Array.isArray(row.value) ? row.value : row.value === undefined ? [] : [row.value];
    else if (row.value === undefined || Array.isArray(row.value)) row.value = row.value?.[0] ?? (question?.options?.[0]?.id ?? 0);
  });
  who.setAttribute("aria-label", words.question);
  op.setAttribute("aria-label", words.if);
  line.append(who, op);
  if (row.op !== "exists" && row.op !== "absent")
    line.append(conditionValue(row, question, `${key}.value`));
  line.append(tool("trash", words.remove, `${key}.remove`, () => commit(() => { rows.splice(i, 1); put(); })));
  return line;
}

/** @param {Json} row @param {Json} question @param {string} key */
function conditionValue(row, question, key) {
  const options = question?.options ?? [];
  if (options.length && row.op !== "in") {
    /** @type {[string, string][]} */
    const list = [...options.map((/** @type {Json} */ option) => [option.id, shown(option.text)]), ...(question.other ? [["other", words.other]] : []), ...(question.none ? [["none", words.none]] : [])];
    const input = select(list, String(row.value), key, (value) => { row.value = value; });
    input.setAttribute("aria-label", words.value);
    return input;
  }
  const input = el("input", { class: "input narrow", "data-key": key, "aria-label": words.value });
  /** @param {string} text */
  const typed = (text) => (text !== "" && !Number.isNaN(Number(text)) ? Number(text) : text);
  input.value = Array.isArray(row.value) ? row.value.join(", ") : row.value ?? "";
  input.addEventListener("input", () => commit(() => { row.value = row.op === "in" ? input.value.split(/,\s*/).filter(Boolean).map(typed) : typed(input.value); }, key));
  return input;
}

/* ---- questions ---- */

/** @param {Json} question @param {string} name @param {string} label @param {string} more @param {string} key */
function optionList(question, name, label, more, key) {
  const list = question[name] ??= [];
  const add = () => commit(() => {
    const taken = list.map((/** @type {Json} */ option) => option.id);
    const made = { id: freeId(`${name === "options" ? "o" : name[0]}${list.length + 1}`, taken), text: `${more} ${list.length + 1}` };
    list.push(made);
    focusNext = `${key}.${made.id}`;
  });
  const rows = list.map((/** @type {Json} */ option, /** @type {number} */ i) => {
    const input = textInput(option, "text", `${key}.${option.id}`, { "aria-label": `${more} ${i + 1}` });
    input.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      if (event.key === "Enter") {
        event.preventDefault();
        add();
      }
    });
    return el("div", { class: "ed-row" },
      question.type === "picture" ? plainInput(option, "emoji", `${key}.${option.id}.emoji`, { class: "input emoji", "aria-label": words.emoji }) : null, input,
      question.type === "picture" ? picture(option, `${key}.${option.id}.image`) : null,
      plainInput(option, "id", `${key}.${option.id}.id`, { class: "input narrow mono", "aria-label": words.id }), ...mover(list, i, `${key}.${option.id}`));
  });
  return el("fieldset", { class: "field" }, el("legend", {}, label), el("div", { class: "ed-list" }, ...rows), el("div", { class: "ed-add" }, adder(more, `${key}.add`, add)));
}

/** A picture is chosen, or what was chosen is taken away. @param {Json} option @param {string} key */
function picture(option, key) {
  if (option.image)
    return el("button", { type: "button", class: "button small", "data-key": key, "aria-label": `${words.remove}: ${words.image}`, onclick: () => commit(() => { delete option.image; }) }, `${words.image} ✕`);
  const input = el("input", { type: "file", class: "visually-hidden", accept: "image/png,image/jpeg,image/webp,image/gif", "data-key": key });
  input.addEventListener("change", () => {
    const file = input.files?.[0];
    if (!file)
      return;
    const reader = new FileReader();
    reader.onload = () => commit(() => { option.image = reader.result; });
    reader.readAsDataURL(file);
  });
  return el("label", { class: "button small ed-file" }, input, icon("plus"), words.image);
}

/** What a row is answered with: columns, or numbers once the last column is gone. @param {Json} q @param {string} key @param {() => Json} scale @returns {Json[]} */
function columns(q, key, scale) {
  if (!q.columns?.length) delete q.columns;
  return q.columns ? [optionList(q, "columns", words.columns, words.add_column, `${key}.columns`)]
    : [scale(), el("div", {}, adder(words.add_column, `${key}.columns.add`, () => commit(() => { delete q.scale; fill(q); })))];
}

/** Members of each type. @param {Json} q @param {string} key @returns {Json[]} */
function ownFields(q, key) {
  /** @param {string} name @param {Record<string, Json>} [more] */
  const number = (name, more = {}) => field(words[name], plainInput(q, name, `${key}.${name}`, { type: "number", ...more }));
  /** @param {Json[]} names */
  const looks = (...names) => field(words.look, select(names.map((name) => [name, words[name]]), q.look ?? "numbers", `${key}.look`, (value) => { q.look = value; }));
  const ends = () => el("div", { class: "two" }, field(words.low, textInput(q, "low", `${key}.low`)), field(words.high, textInput(q, "high", `${key}.high`)));
  const scale = () => field(words.scale, select([[1, 3], [1, 5], [1, 7], [1, 10], [0, 10]].map(([a, b]) => [`${a},${b}`, `${a}–${b}`]), (q.scale ?? (q.type === "servqual" ? [1, 7] : [1, 5])).join(","), `${key}.scale`, (value) => { q.scale = value.split(",").map(Number); delete q.columns; }));
  const random = () => check(q, "random", words.random, `${key}.random`);
  switch (q.type) {
  case "nps": case "ces": return [ends()];
  case "csat": return [el("div", { class: "two" }, field(words.points, select(["3", "4", "5", "7", "10"].map((n) => [n, n]), String(q.points ?? 5), `${key}.points`, (value) => { q.points = Number(value); if (q.points > 5 && q.look === "faces") q.look = "numbers"; })), looks("numbers", "stars", ...((q.points ?? 5) <= 5 ? ["faces"] : []))), ends()];
  case "rating": return [el("div", { class: "two" }, scale(), looks("numbers", "stars")), ends()];
  case "choice": return [optionList(q, "options", words.options, words.add_option, key), check(q, "other", words.other, `${key}.other`), check(q, "none", words.none, `${key}.none`), random()];
  case "choices": return [optionList(q, "options", words.options, words.add_option, key), check(q, "other", words.other, `${key}.other`), check(q, "none", words.none, `${key}.none`), random(), el("div", { class: "two" }, number("least", { min: 0 }), number("most", { min: 1 }))];
  case "picture": case "ranking": return [optionList(q, "options", words.options, words.add_option, key), random()];
  case "matrix": return [optionList(q, "rows", words.rows, words.add_row, `${key}.rows`), ...columns(q, key, scale), random()];
  case "servqual": return [optionList(q, "rows", words.rows, words.add_row, `${key}.rows`), scale(), ends()];
  case "short_text": case "long_text": return [el("div", { class: "two" }, field(words.placeholder, textInput(q, "placeholder", `${key}.placeholder`)), number("most", { min: 1 }))];
  case "number": return [el("div", { class: "two" }, number("min"), number("max"), number("step", { min: 0, step: "any" }))];
  case "date": return [el("div", { class: "two" }, field(words.from, plainInput(q, "from", `${key}.from`, { type: "date" })), field(words.to, plainInput(q, "to", `${key}.to`, { type: "date" })))];
  case "consent": return [field(words.purpose, plainInput(q, "purpose", `${key}.purpose`))];
  case "contact": return [el("fieldset", { class: "field" }, el("legend", {}, words.fields), el("div", { class: "ed-row" }, ...contactFields(q, key)))];
  default: return [];
  }
}

/** Keeps what both types have. @param {Json} q @param {string} type */
function retype(q, type) {
  const keepOptions = CHOICES.includes(q.type) && CHOICES.includes(type);
  for (const name of Object.keys(q))
    if (!["id", "text", "help", "required", "show_if", "touchpoint", ...(keepOptions ? ["options", "random"] : [])].includes(name))
      delete q[name];
  q.type = type;
  if (type === "statement") delete q.required;
  fill(q);
}

/** What a type cannot be without. @param {Json} q */
function fill(q) {
  /** @param {string} what @param {number} n */
  const some = (what, n) => Array.from({ length: n }, (_, i) => ({ id: `${what[0]}${i + 1}`, text: `${words[what === "row" ? "add_row" : what === "column" ? "add_column" : "add_option"]} ${i + 1}` }));
  if (CHOICES.includes(q.type)) q.options ??= some("option", 2);
  if (q.type === "matrix" || q.type === "servqual") q.rows ??= some("row", 2);
  if (q.type === "matrix") q.columns ??= some("column", 3);
}

/** @param {Json} page @param {Json} q @param {number} i @param {number} p */
function questionCard(page, q, i, p) {
  const key = `q.${q.id}`, all = questions(), before = all.slice(0, all.indexOf(q));
  const isOpen = open.has(q.id);
  const toggle = el("button", { type: "button", "aria-expanded": String(isOpen), "data-key": `${key}.toggle`, onclick: () => { if (isOpen) open.delete(q.id); else open.add(q.id); editor.dataset.page = page.id; draw(); preview(); } },
    shown(q.text) || words.question, el("small", {}, words.types[q.type]));
  const card = el("section", { class: "card ed-question", "aria-label": shown(q.text) || q.id, onkeydown: (/** @type {KeyboardEvent} */ event) => {
    if (event.altKey && (event.key === "ArrowUp" || event.key === "ArrowDown")) {
      event.preventDefault();
      shift(p, i, event.key === "ArrowUp" ? -1 : 1);
    }
  } },
  el("div", { class: "card-head" }, toggle, el("div", { class: "ed-tools" },
    tool("up", words.up, `${key}.up`, () => shift(p, i, -1), p === 0 && i === 0),
    tool("down", words.down, `${key}.down`, () => shift(p, i, 1), p === draft.pages.length - 1 && i === page.questions.length - 1),
    tool("copy", words.copy, `${key}.copy`, () => commit(() => {
      const made = structuredClone(q);
      made.id = freeId(q.id.replace(/-\d+$/, ""), all.map((one) => one.id));
      page.questions.splice(i + 1, 0, made);
    })),
    tool("trash", words.remove, `${key}.remove`, () => commit(() => page.questions.splice(i, 1))))));
  if (isOpen)
    card.append(el("div", { class: "card-body" },
      field(words.text, textInput(q, "text", `${key}.text`, { rows: 2 })),
      el("div", { class: "two" }, field(words.type, select(TYPES.map((type) => [type, words.types[type]]), q.type, `${key}.type`, (value) => retype(q, value))),
        field(words.id, idInput(q, `${key}.id`))),
      ...ownFields(q, key),
      field(words.help, textInput(q, "help", `${key}.help`)),
      q.type === "statement" ? null : check(q, "required", words.required, `${key}.required`),
      el("div", { class: "field" }, el("span", { class: "label" }, words.show_if), condition(q, "show_if", before, `${key}.if`))));
  return card;
}

/** The id of a question: conditions that name it and texts that quote it follow. @param {Json} q @param {string} key */
function idInput(q, key) {
  const input = el("input", { class: "input mono", "data-key": key, pattern: "[A-Za-z0-9_\\-]+" });
  input.value = q.id;
  input.addEventListener("change", () => {
    const wanted = input.value.replace(/[^A-Za-z0-9_-]+/g, "-"), was = q.id;
    if (!wanted || wanted === was)
      return;
    commit(() => {
      q.id = wanted;
      draft = JSON.parse(JSON.stringify(draft).replaceAll(`"question":"${was}"`, `"question":"${wanted}"`).replaceAll(`"question":"${was}.`, `"question":"${wanted}.`)
        .replaceAll(`{{${was}}}`, `{{${wanted}}}`).replaceAll(`{{${was}|`, `{{${wanted}|`).replaceAll(`{{${was}.`, `{{${wanted}.`));
      if (open.delete(was)) open.add(wanted);
    });
  });
  return input;
}

/** Moves a question, across pages too. @param {number} p @param {number} i @param {number} by */
function shift(p, i, by) {
  const from = draft.pages[p].questions, to = i + by;
  commit(() => {
    const [q] = from.splice(i, 1);
    if (to >= 0 && to <= from.length) from.splice(to, 0, q);
    else if (by < 0) draft.pages[p - 1].questions.push(q);
    else draft.pages[p + 1].questions.unshift(q);
  });
}

let focusNext = "";
/** @param {Json} page @param {string} type */
function addQuestion(page, type) {
  commit(() => {
    const made = { id: freeId(type.replace("_", "-"), questions().map((q) => q.id)), type, text: "" };
    fill(made);
    page.questions.push(made);
    open.add(made.id);
    editor.dataset.page = page.id;
    focusNext = `q.${made.id}.text`;
  });
}

/* ---- pages ---- */

/** @param {Json} page @param {number} p */
function jumps(page, p) {
  const list = page.jump ?? [], last = questions().indexOf((page.questions ?? []).at(-1));
  const before = questions().slice(0, last + 1);
  /** @type {[string, string][]} */
  const targets = [...draft.pages.slice(p + 1).map((/** @type {Json} */ one, /** @type {number} */ k) => [one.id, shown(one.title) || `${words.page} ${p + k + 2}`]), ["end", words.end]];
  return el("details", { class: "more", open: list.length > 0 }, el("summary", {}, words.jump),
    el("div", { class: "ed-list" }, ...list.map((/** @type {Json} */ jump, /** @type {number} */ i) => el("div", { class: "ed-condition" },
      condition(jump, "if", before, `p.${page.id}.jump.${i}`),
      el("div", { class: "ed-row" }, el("span", {}, words.then), select(targets, jump.to, `p.${page.id}.to.${i}`, (value) => { jump.to = value; }),
        tool("trash", words.remove, `p.${page.id}.jump.${i}.remove`, () => commit(() => { list.splice(i, 1); if (!list.length) delete page.jump; }))))),
    el("div", {}, adder(words.add_jump, `p.${page.id}.jump`, () => commit(() => { page.jump = [...list, { ...(before.length ? { if: { question: before[before.length - 1].id, op: "exists" } } : {}), to: "end" }]; })))));
}

/** When the whole page is shown; the first one asks hidden fields and traits only. @param {Json} page @param {number} p */
function pageCondition(page, p) {
  const before = draft.pages.slice(0, p).flatMap((/** @type {Json} */ one) => one.questions ?? []);
  if (!page.show_if && !before.length && !draft.hidden?.length && !draft.traits?.length)
    return null;
  return el("details", { class: "more", open: Boolean(page.show_if) }, el("summary", {}, words.show_if), condition(page, "show_if", before, `p.${page.id}.if`));
}

/** @param {Json} page @param {number} p */
function pageCard(page, p) {
  const key = `p.${page.id}`, kind = el("select", { class: "select small", "aria-label": words.type, "data-key": `${key}.kind` }, ...TYPES.map((type) => el("option", { value: type }, words.types[type])));
  return el("section", { class: "ed-page", "aria-label": `${words.page} ${p + 1}` },
    el("div", { class: "card-head" }, el("h2", {}, `${words.page} ${p + 1}`), el("div", { class: "ed-tools" }, ...mover(draft.pages, p, key))),
    el("div", { class: "ed-list" }, field(words.title, textInput(page, "title", `${key}.title`)), pageCondition(page, p),
      ...(page.questions ?? []).map((/** @type {Json} */ q, /** @type {number} */ i) => questionCard(page, q, i, p)),
      el("div", { class: "ed-add" }, kind, adder(words.add_question, `${key}.add`, () => addQuestion(page, kind.value))),
      draft.pages.length > 1 ? jumps(page, p) : null,
      check(page, "random", words.random, `${key}.random`)));
}

/* ---- settings ---- */

/** @param {string} value */
function setLanguages(value) {
  const list = value.split(/[,\s]+/).filter(Boolean), was = draft.languages ?? ["es"];
  if (list.length > 1 && was.length === 1)
    spread(draft, was[0]);
  draft.languages = list.length ? list : was;
  if (!draft.languages.includes(language))
    language = draft.languages[0];
}

/** A text of one language becomes one by language. @param {Json} node @param {string} first */
function spread(node, first) {
  const names = ["title", "welcome", "thanks", "closed", "text", "help", "low", "high", "placeholder", "message", "next", "previous", "send"];
  if (Array.isArray(node)) {
    node.forEach((one) => spread(one, first));
  } else if (node && typeof node === "object") {
    for (const name of Object.keys(node)) {
      if (names.includes(name) && typeof node[name] === "string") node[name] = { [first]: node[name] };
      else spread(node[name], first);
    }
  }
}

function quotaList() {
  const list = draft.quotas ?? [], all = questions();
  return el("fieldset", { class: "field" }, el("legend", {}, words.quotas), el("div", { class: "ed-list" },
    ...list.map((/** @type {Json} */ quota, /** @type {number} */ i) => el("div", { class: "ed-condition" },
      condition(quota, "if", all, `quota.${i}.if`),
      el("div", { class: "ed-row" }, plainInput(quota, "limit", `quota.${i}.limit`, { type: "number", min: 0, class: "input narrow", "aria-label": words.limit }), textInput(quota, "message", `quota.${i}.message`, { "aria-label": words.message, placeholder: words.message }),
        tool("trash", words.remove, `quota.${i}.remove`, () => commit(() => { list.splice(i, 1); if (!list.length) delete draft.quotas; })))))),
  el("div", { class: "ed-add" }, adder(words.add_quota, "quota.add", () => commit(() => { draft.quotas = [...list, { id: freeId("quota", list.map((/** @type {Json} */ q) => q.id)), if: { question: all[0]?.id ?? "", op: "exists" }, limit: 100 }]; }))));
}

function settings() {
  const isOpen = open.has("settings"), languages = el("input", { class: "input", "data-key": "languages" });
  languages.value = (draft.languages ?? ["es"]).join(", ");
  languages.addEventListener("change", () => commit(() => setLanguages(languages.value)));
  const card = el("section", { class: "card ed-question", "aria-label": words.settings }, el("div", { class: "card-head" },
    el("button", { type: "button", "aria-expanded": String(isOpen), "data-key": "settings", onclick: () => { if (isOpen) open.delete("settings"); else open.add("settings"); draw(); } }, words.settings)));
  if (isOpen)
    card.append(el("div", { class: "card-body" }, field(words.title, textInput(draft, "title", "title")),
      field(words.welcome, textInput(draft, "welcome", "welcome", { rows: 2 })), field(words.thanks, textInput(draft, "thanks", "thanks", { rows: 2 })), field(words.closed, textInput(draft, "closed", "closed", { rows: 2 })),
      field(words.languages, languages, "es, en, ca, pt-BR"),
      el("details", { class: "more" }, el("summary", {}, words.advanced), el("div", { class: "ed-list" },
        el("div", { class: "two" }, field(words.channel, plainInput(draft, "channel", "channel")), field(words.touchpoint, plainInput(draft, "touchpoint", "touchpoint")), field(words.unit, plainInput(draft, "unit", "unit"))),
        el("div", { class: "two" }, field(words.hidden, listInput(draft, "hidden", "hidden")), field(words.traits, listInput(draft, "traits", "traits"))),
        el("div", { class: "two" }, field(words.closes_at, plainInput(draft, "closes_at", "closes_at", { placeholder: "2027-01-31T22:00:00Z" })), field(words.limit, plainInput(draft, "limit", "limit", { type: "number", min: 1 }))),
        check(draft, "progress", words.progress, "progress", true), check(draft, "back", words.back, "back", true), check(draft, "resume", words.resume, "resume", true), quotaList()))));
  return card;
}

/* ---- all ---- */

function draw() {
  const focused = document.activeElement instanceof HTMLElement ? document.activeElement.dataset.key : "";
  const unfolded = [...form.querySelectorAll("details")].map((one) => one.open), scroll = window.scrollY;
  counter = 0;
  for (const [i, page] of draft.pages.entries()) page.id ??= freeId(`page-${i + 1}`, draft.pages.map((/** @type {Json} */ one) => one.id));
  form.replaceChildren(settings(), ...draft.pages.map(pageCard),
    el("div", { class: "ed-add" }, adder(words.add_page, "page.add", () => commit(() => draft.pages.push({ id: freeId(`page-${draft.pages.length + 1}`, draft.pages.map((/** @type {Json} */ one) => one.id)), questions: [] })))));
  [...form.querySelectorAll("details")].forEach((one, i) => { one.open ||= unfolded[i] ?? false; });
  const languages = /** @type {HTMLSelectElement} */ (document.getElementById("language"));
  languages.replaceChildren(...(draft.languages ?? ["es"]).map((/** @type {string} */ name) => el("option", { value: name, selected: name === language }, new Intl.DisplayNames([document.documentElement.lang], { type: "language" }).of(name) ?? name)));
  const key = focusNext || focused, fresh = Boolean(focusNext);
  focusNext = "";
  window.scrollTo({ top: scroll });
  const control = key ? /** @type {HTMLInputElement | null} */ (form.querySelector(`[data-key="${CSS.escape(key)}"]:not([disabled])`)) : null;
  control?.focus({ preventScroll: !fresh });
  if (fresh)
    control?.select?.(); /* its standard text gives way to what is typed */
  buttons();
}

async function versions() {
  const answer = await (await fetch(`/api/v1/surveys/${encodeURIComponent(id)}/versions`)).json();
  const date = new Intl.DateTimeFormat(document.documentElement.dataset.region, { dateStyle: "medium", timeStyle: "short" });
  document.getElementById("versions")?.replaceChildren(...(answer.data.length ? answer.data.map((/** @type {Json} */ row) => el("li", {},
    el("span", {}, `${row.version} · ${date.format(new Date(row.published_at))} `, el("small", { class: "quiet" }, row.author)),
    el("button", { type: "button", class: "button quiet small", onclick: () => restore(row.version) }, words.restore))) : [el("li", { class: "quiet" }, words.draft)]));
}

/** A version becomes the draft again; undo takes it back. @param {number} version */
async function restore(version) {
  const answer = await (await fetch(`/api/v1/surveys/${encodeURIComponent(id)}/versions/${version}`)).json();
  commit(() => { draft = answer.definition; });
}

async function publish() {
  await save();
  if (kept !== changes)
    return;
  const answer = await fetch(`/api/v1/surveys/${encodeURIComponent(id)}/publish`, { method: "POST", headers: { "x-csrf-token": csrf } });
  const json = await answer.json();
  stateText.replaceChildren(answer.ok ? `${words.published} ${json.version} · ` : `${words.fault} ${json.errors?.[0]?.pointer ?? ""} ${json.detail ?? ""}`, ...(answer.ok ? [el("a", { href: `/s/${id}` }, words.open_page)] : []));
  if (answer.ok) {
    tell(json);
    versions();
  }
}

async function begin() {
  const answer = await (await fetch(`/api/v1/surveys/${encodeURIComponent(id)}`)).json();
  draft = answer.definition;
  draft.pages ??= [];
  language = draft.languages?.[0] ?? "es";
  const first = questions()[0];
  if (first) open.add(first.id);
  open.delete("settings");
  draw();
  tell(answer);
  versions();
}

document.getElementById("undo")?.addEventListener("click", () => travel(past, future));
document.getElementById("redo")?.addEventListener("click", () => travel(future, past));
document.getElementById("publish")?.addEventListener("click", publish);
document.getElementById("language")?.addEventListener("change", (event) => {
  language = /** @type {HTMLSelectElement} */ (event.target).value;
  draw();
  preview();
});
for (const size of ["phone", "desktop"])
  document.getElementById(size)?.addEventListener("click", () => {
    frame.className = size;
    for (const other of ["phone", "desktop"])
      document.getElementById(other)?.setAttribute("aria-pressed", String(other === size));
    document.querySelector(".editor")?.classList.toggle("wide-preview", size === "desktop");
  });
addEventListener("beforeunload", (event) => {
  if (kept === changes)
    return;
  save();
  event.preventDefault();
});
document.addEventListener("keydown", (event) => {
  if (!(event.ctrlKey || event.metaKey) || event.altKey)
    return;
  const key = event.key.toLowerCase();
  if (key === "z" && !event.shiftKey) {
    event.preventDefault();
    travel(past, future);
  } else if (key === "y" || (key === "z" && event.shiftKey)) {
    event.preventDefault();
    travel(future, past);
  }
});
begin();
