/*
 * The pages of opinion screens: counters that follow what arrives, and the faces drawn as one chooses them.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
import { drawFace, moodOf } from "./kiosk_faces.js";

const region = document.documentElement.dataset.region;
const number = new Intl.NumberFormat(region), percent = new Intl.NumberFormat(region, { style: "percent" });
const relative = new Intl.RelativeTimeFormat(region, { style: "short", numeric: "auto" });

// ---- live counters --------------------------------------------------------------------------------------------------

/** @typedef {{taps: number, happy: number, misuse: number}} Count */
/** @type {Map<string, {today: Count, week: Count, is: string}>} */
const known = new Map();
const rows = document.querySelectorAll("[data-kiosk]");

/** @param {number} part @param {number} whole */
const share = (part, whole) => (whole ? percent.format(part / whole) : "–");
/** null: too few for who asks. @param {number|null} n */
const some = (n) => (n === null ? "–" : number.format(n));

/** @param {Element} row @param {string} name @param {string} text */
function put(row, name, text) {
  const place = row.querySelector(`[data-live-${name}]`);
  if (place && place.textContent !== text) place.textContent = text;
}

function sums() {
  const all = [...known.values()], sum = (/** @type {keyof Count} */ name) => all.reduce((total, one) => total + one.today[name], 0);
  const silent = all.filter((one) => one.is === "silent").length;
  const texts = { taps: number.format(sum("taps")), happy: share(sum("happy"), sum("taps")), misuse: number.format(sum("misuse")), silent: number.format(silent) };
  for (const [name, text] of Object.entries(texts)) {
    const place = document.querySelector(`[data-kiosk-sum="${name}"]`);
    if (place) place.textContent = text;
  }
  const alert = /** @type {HTMLElement|null} */ (document.querySelector("[data-kiosk-alert]"));
  if (alert) alert.hidden = !silent;
}

/** @param {string|null} iso */
function ago(iso) {
  if (!iso) return "";
  const s = (Date.parse(iso) - Date.now()) / 1000;
  return s > -60 ? relative.format(Math.min(0, Math.trunc(s)), "second") : s > -3600 ? relative.format(Math.trunc(s / 60), "minute") : s > -86400 ? relative.format(Math.trunc(s / 3600), "hour") : relative.format(Math.trunc(s / 86400), "day");
}

if (rows.length) {
  const stream = new EventSource("/api/v1/stream?kiosks=1");
  stream.addEventListener("kiosk", (event) => {
    const told = JSON.parse(event.data), row = document.querySelector(`[data-kiosk="${CSS.escape(told.id)}"]`);
    if (!row) return;
    const { today, week, last_contact_at: contact, waiting, is } = told.state;
    known.set(told.id, { today, week, is });
    put(row, "taps", some(today.taps));
    put(row, "week", some(week.taps));
    put(row, "happy", share(today.happy, today.taps));
    put(row, "misuse", share(week.misuse, week.misuse + week.taps));
    put(row, "waiting", number.format(waiting));
    const badge = row.querySelector("[data-live-is]"), made = /** @type {HTMLTemplateElement|null} */ (document.querySelector(`template[data-state="${CSS.escape(is)}"]`));
    if (badge && made && badge.textContent !== made.content.textContent) badge.replaceWith(made.content.cloneNode(true));
    if (contact) put(row, "contact", ago(contact));
    sums();
  });
  addEventListener("pagehide", () => stream.close());
}

// ---- faces as they will be ------------------------------------------------------------------------------------------

const form = /** @type {HTMLFormElement|null} */ (document.querySelector("[data-kiosk-form]"));

function draw() {
  if (!form) return;
  /** @param {string} name */
  const value = (name) => /** @type {any} */ (form.elements.namedItem(name))?.value || "";
  const kind = value("kind");
  for (const part of form.querySelectorAll("[data-of]")) {
    const shown = (/** @type {HTMLElement} */ (part).dataset.of || "").split(" ").includes(kind);
    /** @type {HTMLElement} */ (part).hidden = !shown;
  }
  const faces = Number(value("faces")) || 3, set = value("face_set");
  const place = form.querySelector("[data-preview]"), question = /** @type {HTMLInputElement|null} */ (form.querySelector("[id^=question_]"));
  if (place) {
    const head = document.createElement("p");
    head.textContent = question ? question.value : "";
    const row = document.createElement("div");
    row.innerHTML = Array.from({ length: faces }, (_, i) => drawFace(set, moodOf(i + 1, faces))).join("");
    place.replaceChildren(head, row);
  }
  for (const mark of form.querySelectorAll("[data-face]")) {
    const face = Number(/** @type {HTMLElement} */ (mark).dataset.face);
    const check = /** @type {HTMLElement} */ (mark.closest("label"));
    check.hidden = face > faces;
    if (face <= faces) mark.innerHTML = `${drawFace(set, moodOf(face, faces))}<span class="visually-hidden">${face}</span>`;
  }
}
if (form) {
  form.addEventListener("input", draw);
  draw();
}
