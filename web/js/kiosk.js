/*
 * The opinion screen, as it stands next to the till: one question, one tap, perhaps a question more, thanks, and again.
 *
 * STATES (data-state of the root element)
 *   ask      the question and its faces; of a terminal what draws people near, its languages and the way in
 *   survey   a terminal's questions, one after the other; left alone, it asks whether somebody is there, then forgets
 *   follow   a question after the face; skipped after idle_s without a touch
 *   thanks   for 2.5 s; touches are counted (children who hammer) and do nothing
 *   pair     the device has no key yet, or a wrong one
 *   exit     staff typed the code: what waits, sending, leaving
 * A visit is kept as a draft from its tap on and sealed when it ends, so that a device that loses power has lost nothing.
 *
 * NO WAY OUT  The corner asks for a code, which is checked on the device; back, the context menu and selecting do nothing.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
import { Queue, boot, mono } from "./kiosk_queue.js";
import { drawFace, moodOf } from "./kiosk_faces.js";
import { runSurvey } from "./kiosk_survey.js";

const THANKS_MS = 2500, STILL_MS = 10000, HOLD_MS = 2500, EXIT_IDLE_MS = 90000, TRIES = 5, LOCKED_MS = 60000, TEXT_MAX = 500;
const root = document.documentElement, stage = /** @type {HTMLElement} */ (document.getElementById("stage"));
const address = location.pathname.split("/")[2];

/** @type {any} */
let definition;
/** Texts of the screen itself, by language. @type {Record<string, Record<string, string>>} */
let words = {};
let language = "es";
/** @type {any} */
let visit = null;
let idle = 0, wrong = 0, lockedUntil = 0, stale = false;
/** @type {{waiting: number, online: boolean, paired: boolean}} */
let news = { waiting: 0, online: true, paired: true };

/** @param {string} key */
const word = (key) => (words[language] || words.en || {})[key] || key;
/** @param {Record<string, string>|undefined} texts */
const inLanguage = (texts) => (texts && (texts[language] || texts[definition.languages[0]])) || "";
const isTerminal = () => definition.kind === "terminal";

/** @param {string} tag @param {Record<string, any>} [members] @param {(Node|string)[]} children */
function make(tag, members = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(members))
    if (name === "html") element.innerHTML = value;
    else if (name in element && name !== "list") /** @type {any} */ (element)[name] = value;
    else element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** @param {string} state @param {(Node|string)[]} children */
function show(state, ...children) {
  root.dataset.state = state;
  root.lang = language;
  stage.replaceChildren(...children);
  const first = /** @type {HTMLElement|null} */ (stage.querySelector("[data-first]"));
  if (first) first.focus({ preventScroll: true });
}

/** @param {number} ms @param {() => void} work */
function after(ms, work) { clearTimeout(idle); idle = window.setTimeout(work, ms); }

// ---- what is asked ------------------------------------------------------------------------------------------------

function languagesBar() {
  const bar = make("div", { className: "languages", role: "group", "aria-label": word("language") });
  if (definition.languages.length < 2) return bar;
  for (const code of definition.languages) {
    const name = new Intl.DisplayNames([code], { type: "language" }).of(code) || code;
    const button = make("button", { className: "language", lang: code, "aria-pressed": String(code === language) }, name[0].toUpperCase() + name.slice(1));
    button.onclick = () => { language = code; ask(); after(definition.idle_s * 1000, reset); };
    bar.append(button);
  }
  return bar;
}

/** @param {string} text */
function speaker(text) {
  const button = make("button", { className: "speak", "aria-label": word("listen"), html: '<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M4 9v6h4l5 4V5L8 9zM16 8.5a5 5 0 0 1 0 7M18.5 6a8.5 8.5 0 0 1 0 12"/></svg>' });
  button.onclick = () => {
    speechSynthesis.cancel();
    speechSynthesis.speak(Object.assign(new SpeechSynthesisUtterance(text), { lang: language }));
  };
  return definition.speak && "speechSynthesis" in window ? button : "";
}

function ask() {
  if (isTerminal()) return attract();
  const question = inLanguage(definition.question);
  const faces = make("div", { className: `faces faces-${definition.faces}${definition.face_set === "weather" ? "" : " named"}`, role: "group", "aria-label": question });
  for (let value = 1; value <= definition.faces; value++) {
    const mood = moodOf(value, definition.faces);
    const name = word(`face_${definition.faces === 3 ? value : mood}`); // of three, the happy one is simply happy
    const button = make("button", { className: "face", "data-value": String(value), "aria-label": name, html: drawFace(definition.face_set, mood) });
    if (definition.face_set !== "weather") button.append(make("span", { "aria-hidden": "true" }, name));
    button.onclick = () => tap(value);
    faces.append(button);
  }
  show("ask", make("p", { className: "organisation" }, definition.organisation), languagesBar(),
    make("div", { className: "question" }, make("h1", {}, question), speaker(question)), faces);
}

function reset() {
  clearTimeout(idle);
  visit = null;
  language = definition.languages[0];
  if (stale) refresh();
  ask();
}

// ---- a terminal ---------------------------------------------------------------------------------------------------

function attract() {
  const { survey } = definition;
  if (survey.open === false) {
    return show("ask", make("p", { className: "organisation" }, definition.organisation), languagesBar(),
      make("div", { className: "attract" }, make("h1", {}, inLanguage(survey.title)), make("p", { className: "hint" }, inLanguage(survey.closed) || word("survey_closed"))));
  }
  const begin = make("button", { className: "go begin" }, word("begin"));
  begin.onclick = enter;
  show("ask", make("p", { className: "organisation" }, definition.organisation), languagesBar(),
    make("div", { className: "attract" }, make("div", { className: "faces calling", "aria-hidden": "true", html: [0, 2, 4].map((mood) => drawFace(definition.face_set, mood)).join("") }),
      make("h1", {}, inLanguage(definition.question) || inLanguage(survey.title)), make("p", { className: "hint" }, inLanguage(survey.welcome).replace(/\{\{[^|}]*\|?([^}]*)\}\}/g, "$1")), begin));
}

function enter() {
  leaveNothingOpen();
  visit = { id: crypto.randomUUID(), at: new Date().toISOString(), boot, mono: mono(), revision: definition.revision, survey_version: definition.survey.version, language, answers: {}, partial: true };
  const listen = () => { keepDraft(); watch(); };
  watch();
  runSurvey({ survey: definition.survey, language, make, show, word, text: inLanguage,
    answered: (answers) => { visit.answers = answers; listen(); },
    done: (thanks) => { visit.partial = undefined; thank(thanks); },
    leave: () => { if (Object.keys(visit.answers).length) thank(); else forget(); } });
}

/** Nothing of the visitor stays. */
function forget() { queue.put("draft", undefined).catch(() => { /* nothing was kept */ }); reset(); }

/** Left alone, the screen asks first; then what was answered counts as a partial answer. */
function watch() {
  after(definition.idle_s * 1000, () => {
    const stay = make("button", { className: "go" }, word("still_here")), asked = make("dialog", { className: "still", "aria-label": word("still_there") }, make("h1", {}, word("still_there")), stay);
    const dialog = /** @type {HTMLDialogElement} */ (asked);
    stay.onclick = () => { dialog.remove(); watch(); };
    stage.append(dialog);
    dialog.showModal();
    after(STILL_MS, async () => {
      const left = visit;
      if (Object.keys(left.answers).length) try { await queue.add(left); } catch { /* the draft is kept */ }
      forget();
    });
  });
}

// ---- a visit ------------------------------------------------------------------------------------------------------

/** @param {number} value */
async function tap(value) {
  if (visit) return;
  leaveNothingOpen();
  visit = { id: crypto.randomUUID(), at: new Date().toISOString(), boot, mono: mono(), revision: definition.revision, language, value, faces: definition.faces };
  keepDraft();
  next(definition.follow_ups.filter((/** @type {any} */ one) => one.faces.includes(value)));
}

/** What is known so far outlives a power cut. */
function keepDraft() { queue.put("draft", visit).catch(() => { /* the memory of the page holds it */ }); }

/** @param {any[]} follow */
function next(follow) {
  if (!follow.length) return thank();
  const [one, ...rest] = follow;
  const go = () => { keepDraft(); next(rest); };
  if (one.kind === "choice") choose(one, go); else write(one, go);
  after(definition.idle_s * 1000, () => thank());
}

/** @param {string} question @param {(Node|string)[]} children */
function follow(question, ...children) {
  show("follow", make("div", { className: "question" }, make("h1", { tabIndex: -1, "data-first": "" }, question), speaker(question)), ...children);
}

/** @param {any} one @param {() => void} go */
function choose(one, go) {
  const list = make("div", { className: "options", role: "group", "aria-label": inLanguage(one.question) });
  one.options.forEach((/** @type {any} */ option, /** @type {number} */ i) => {
    const button = make("button", { className: "option", "aria-pressed": "false" }, inLanguage(option));
    button.onclick = () => {
      const chosen = new Set(visit.choices || []);
      if (chosen.has(i)) chosen.delete(i); else chosen.add(i);
      visit.choices = [...chosen].sort();
      button.setAttribute("aria-pressed", String(chosen.has(i)));
      if (!one.several) go(); else after(definition.idle_s * 1000, () => thank());
    };
    list.append(button);
  });
  follow(inLanguage(one.question), list, make("div", { className: "actions" },
    Object.assign(make("button", { className: one.several ? "go" : "skip" }, word(one.several ? "go_on" : "skip")), { onclick: go })));
}

/** @param {any} one @param {() => void} go */
function write(one, go) {
  const field = /** @type {HTMLTextAreaElement} */ (make("textarea", { maxLength: TEXT_MAX, rows: 4, "aria-label": inLanguage(one.question) }));
  field.oninput = () => { visit.text = field.value; after(definition.idle_s * 1000, () => thank()); };
  follow(inLanguage(one.question), make("p", { className: "hint" }, word("no_names")), field, make("div", { className: "actions" },
    Object.assign(make("button", { className: "skip" }, word("skip")), { onclick: () => { delete visit.text; go(); } }),
    Object.assign(make("button", { className: "go" }, word("send")), { onclick: () => { visit.text = field.value.trim() || undefined; go(); } })));
}

/** @param {string} [words] of the survey */
function thank(words) {
  visit.extra = 0;
  show("thanks", make("div", { className: "thanks", role: "status" },
    make("div", { className: "tick", html: '<svg viewBox="0 0 24 24" aria-hidden="true"><path d="m5 12.5 4.5 4.5L19 7.5"/></svg>' }),
    make("h1", {}, inLanguage(definition.thanks) || words || word("thanks"))));
  after(THANKS_MS, async () => {
    const finished = visit;
    try { await queue.add(finished); } catch { keepDraft(); }
    reset();
  });
}

// ---- full screen, awake, no way out --------------------------------------------------------------------------------

/** @type {any} */
let lock;
async function stayAwake() {
  try { if (document.visibilityState === "visible") lock = await /** @type {any} */ (navigator).wakeLock.request("screen"); } catch { /* power saving, or not offered */ }
}
function leaveNothingOpen() {
  if (!document.fullscreenElement && root.requestFullscreen) root.requestFullscreen({ navigationUI: "hide" }).catch(() => { /* installed, or not offered */ });
  if (!lock || lock.released) stayAwake();
}
document.addEventListener("visibilitychange", stayAwake);
addEventListener("contextmenu", (event) => event.preventDefault());
addEventListener("dragstart", (event) => event.preventDefault());
addEventListener("popstate", () => history.pushState(null, "", location.pathname));
addEventListener("pointerdown", () => {
  if (root.dataset.state === "thanks" && visit) visit.extra++;
}, true);
addEventListener("keydown", (event) => {
  const face = root.dataset.state === "ask" && stage.querySelector(`.face[data-value="${Number(event.key) || 0}"]`);
  if (face) /** @type {HTMLElement} */ (face).click();
});

const corner = /** @type {HTMLElement} */ (document.getElementById("corner"));
let holding = 0;
corner.addEventListener("pointerdown", () => { holding = window.setTimeout(askCode, HOLD_MS); });
for (const end of ["pointerup", "pointerleave", "pointercancel"]) corner.addEventListener(end, () => clearTimeout(holding));
corner.addEventListener("keydown", (event) => { if (event.key === "Enter") askCode(); });

function askCode() {
  if (visit || !definition) return;
  if (!queue.key) return pairing();
  let typed = "";
  const dots = make("p", { className: "dots", role: "status", "aria-label": word("code") });
  const note = make("p", { className: "hint", role: "alert" }, definition.exit ? "" : word("no_code"));
  const pad = make("div", { className: "pad" });
  /** @param {string} key */
  const press = async (key) => {
    if (key === "←") typed = typed.slice(0, -1); else if (key !== "OK") typed = (typed + key).slice(0, 8);
    dots.textContent = "●".repeat(typed.length);
    after(EXIT_IDLE_MS, reset);
    if (key !== "OK") return;
    if (Date.now() < lockedUntil) { note.textContent = word("locked"); typed = dots.textContent = ""; return; }
    if (definition.exit && (await queue.sign("exit\n", typed)) === definition.exit) { wrong = 0; return panel(); }
    typed = dots.textContent = "";
    note.textContent = word("wrong_code");
    if (++wrong >= TRIES) { wrong = 0; lockedUntil = Date.now() + LOCKED_MS; note.textContent = word("locked"); }
  };
  for (const key of ["1", "2", "3", "4", "5", "6", "7", "8", "9", "←", "0", "OK"])
    pad.append(Object.assign(make("button", { className: "key", "data-key": key, "aria-label": key === "←" ? word("erase") : key }, key), { onclick: () => press(key) }));
  show("code", make("h1", { tabIndex: -1, "data-first": "" }, word("code")), dots, note, pad,
    make("div", { className: "actions" }, Object.assign(make("button", { className: "skip" }, word("back")), { onclick: reset })));
  after(EXIT_IDLE_MS, reset);
}

function panel() {
  /** @param {string} name @param {string} value */
  const row = (name, value) => make("div", {}, make("dt", {}, name), make("dd", {}, value));
  /** @param {string} name @param {() => void} work */
  const button = (name, work) => Object.assign(make("button", { className: "option" }, name), { onclick: work });
  show("exit", make("h1", { tabIndex: -1, "data-first": "" }, definition.name),
    make("dl", { className: "facts" }, row(word("waiting"), String(news.waiting)), row(word("connection"), word(news.paired ? (news.online ? "online" : "offline") : "unpaired"))),
    make("div", { className: "options" },
      button(word("back"), reset),
      button(word("send_now"), () => { queue.failures = 0; queue.deliver().then(panel); }),
      button(word("leave_full"), () => { if (document.fullscreenElement) document.exitFullscreen(); }),
      button(word("unpair"), () => queue.unpair().then(() => pairing()))));
  after(EXIT_IDLE_MS, reset);
}

// ---- pairing and starting ------------------------------------------------------------------------------------------

/** @param {string} [message] */
function pairing(message) {
  clearTimeout(idle);
  const field = /** @type {HTMLInputElement} */ (make("input", { type: "password", autocomplete: "off", "aria-label": word("key"), placeholder: "kk_…" }));
  const form = make("form", { className: "pair" }, field, make("button", { className: "go" }, word("pair")));
  form.onsubmit = (event) => { event.preventDefault(); if (field.value.trim()) begin(field.value); };
  show("pair", make("h1", {}, definition ? definition.name : "Senda"), make("p", { className: "hint" }, message || word("pair_help")), form);
}

/** @param {string} key */
async function begin(key) {
  await queue.pair(key);
  history.replaceState(null, "", location.pathname);
  if (navigator.storage && navigator.storage.persist) navigator.storage.persist();
  reset();
}

/** @param {{waiting: number, online: boolean, paired: boolean, answer?: any}} told */
function hear(told) {
  news = told;
  root.dataset.waiting = String(told.waiting);
  root.dataset.online = String(told.online);
  root.dataset.paired = String(told.paired);
  if (told.answer && definition && (told.answer.revision !== definition.revision || (definition.survey && (told.answer.survey_version !== definition.survey.version || told.answer.survey_open !== definition.survey.open)))) {
    stale = true;
    if (!visit && root.dataset.state === "ask") refresh().then(reset);
  }
}

async function refresh() {
  try {
    const answer = await fetch(`/k/${address}/definition.json`, { cache: "no-store", signal: AbortSignal.timeout(5000) });
    if (!answer.ok) return;
    const told = await answer.json();
    definition = told.kiosk;
    words = told.words;
    stale = false;
    await queue.put("definition", told);
    keepFiles();
  } catch { /* the one that is kept serves */ }
}

/** The worker keeps what this page is made of. */
async function install() {
  if (!("serviceWorker" in navigator)) return;
  await navigator.serviceWorker.register(`/k/${address}/worker.js`, { scope: `/k/${address}` });
  await keepFiles();
}

/** Its scripts and styles, and the pictures of its survey. */
async function keepFiles() {
  if (!("serviceWorker" in navigator)) return;
  const ready = await navigator.serviceWorker.ready;
  const files = performance.getEntriesByType("resource").map((entry) => entry.name).filter((name) => new URL(name).pathname.startsWith("/assets/"));
  for (const html of Object.values(definition.survey ? definition.survey.forms : {}))
    for (const image of new DOMParser().parseFromString(html, "text/html").images) files.push(new URL(image.getAttribute("src") || "", location.href).href);
  const channel = new MessageChannel();
  channel.port1.onmessage = () => { root.dataset.installed = "true"; };
  if (ready.active) ready.active.postMessage({ keep: [...new Set(files)] }, [channel.port2]);
}

const queue = new Queue(address, hear);
async function start() {
  if (!window.isSecureContext || !crypto.subtle) { stage.textContent = root.dataset.insecure || ""; return; }
  history.pushState(null, "", location.pathname + location.hash);
  await queue.open();
  await refresh();
  if (!definition) {
    const told = await queue.get("definition");
    if (!told) { stage.textContent = root.dataset.unknown || ""; window.setTimeout(() => location.reload(), 30000); return; }
    definition = told.kiosk;
    words = told.words;
  }
  language = definition.languages[0];
  document.title = definition.name;
  install().catch(() => { /* it works while there is a network */ });
  const draft = queue.key && (await queue.get("draft"));
  if (draft && (!draft.answers || Object.keys(draft.answers).length)) await queue.add(draft);
  queue.tell();
  const key = new URLSearchParams(location.hash.slice(1)).get("key");
  if (key) await begin(key);
  else if (queue.key) reset();
  else pairing();
  stayAwake();
}
start();
