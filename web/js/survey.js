/*
 * The public page of a survey: everything works without this script; with it, questions that an answer opens appear at once, what is
 * missing or wrong is said before sending, in the words and by the rules of the server (data-missing, data-wrong), and a page that was really
 * looked at is told. Conditions are a script of their own (survey_if.js), fetched where a page has some.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

/** @typedef {HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement} Field */

/** @param {Element} within @returns {Field[]} */
export const fieldsOf = (within) => [...within.querySelectorAll("input, textarea, select")].filter((field) => /** @type {Field} */ (field).name && /** @type {Field} */ (field).type !== "hidden").map((field) => /** @type {Field} */ (field));
/** @param {Field} field */
const isBox = (field) => /radio|checkbox/.test(field.type);
/** What a field says; "" nothing. @param {Field} field @returns {string} */
export const saidBy = (field) => (isBox(field) && !(/** @type {HTMLInputElement} */ (field).checked) ? "" : field.value.trim());

/** @param {HTMLFieldSetElement} question @param {boolean} asked */
export function ask(question, asked) {
  question.hidden = !asked;
  question.disabled = !asked;
}

// ---- checking -----------------------------------------------------------------------------------------------------

const ADDRESS = /^[^@\s][^@ ]*@.*\./, PHONE = /^[+0-9 ()\-./]*$/;

/** One field by itself cannot be so. @param {Field} field */
function isWrong(field) {
  const said = field.value.trim(), digits = said.replace(/\D/g, "").length;
  const { badInput, rangeUnderflow, rangeOverflow, stepMismatch } = field.validity;
  if (badInput || rangeUnderflow || rangeOverflow || stepMismatch) return true;
  if ("maxLength" in field && field.maxLength >= 0 && [...said].length > field.maxLength) return true;
  return said !== "" && ((field.type === "email" && !ADDRESS.test(said)) || (field.type === "tel" && !(PHONE.test(said) && digits >= 6 && digits <= 15)));
}

/** @param {HTMLFieldSetElement} question @param {Field[]} fields */
function choicesAreWrong(question, fields) {
  const list = /** @type {HTMLElement | null} */ (question.querySelector(".choices")), chosen = fields.filter((field) => isBox(field) && saidBy(field));
  const least = Number(list?.dataset.least ?? 0), most = Number(list?.dataset.most ?? Infinity);
  const alone = chosen.filter((field) => field.closest("[data-alone]")).length;
  return chosen.length > 0 && (chosen.length > most || (alone ? chosen.length > 1 : chosen.length < least));
}

/** What is the matter with an answer: "missing", "wrong", or "" nothing. @param {HTMLFieldSetElement} question @returns {"" | "missing" | "wrong"} */
export function faultOf(question) {
  const fields = fieldsOf(question).filter((field) => !field.name.startsWith("o.")), said = fields.filter((field) => saidBy(field) !== "");
  const names = new Set(fields.map((field) => field.name)), answered = new Set(said.map((field) => field.name));
  const whole = question.matches(".t-matrix, .t-servqual") ? answered.size === names.size : answered.size > 0 || fields.some((field) => field.validity.badInput);
  if (question.dataset.missing !== undefined && !whole) return "missing";
  if (fields.some((field) => !isBox(field) && isWrong(field))) return "wrong";
  if (question.matches(".t-choices") && choicesAreWrong(question, fields)) return "wrong";
  if (question.matches(".t-ranking") && said.length && new Set(said.map(saidBy)).size < fields.length) return "wrong";
  return "";
}

/** Says beside the question what is the matter with it. @param {HTMLFieldSetElement} question @returns {boolean} */
export function check(question) {
  const fault = faultOf(question), note = /** @type {HTMLElement | null} */ (question.querySelector(".fault"));
  question.toggleAttribute("data-fault", fault !== "");
  if (note) {
    note.textContent = fault === "" ? "" : (fault === "missing" ? question.dataset.missing : question.dataset.wrong) ?? "";
    note.hidden = fault === "";
    for (const field of fieldsOf(question).filter((one) => !isBox(one) && !one.name.startsWith("o."))) {
      const bad = fault === "wrong" ? isWrong(field) || question.matches(".t-ranking") : fault === "missing" && !saidBy(field);
      if (bad) field.setAttribute("aria-invalid", "true"); else field.removeAttribute("aria-invalid");
      if (bad) field.setAttribute("aria-describedby", note.id); else field.removeAttribute("aria-describedby");
    }
  }
  return fault === "";
}

/** Where somebody mends it. @param {HTMLFieldSetElement} question */
export function lead(question) {
  question.scrollIntoView({ block: "center" });
  const field = question.querySelector("[aria-invalid]") ?? fieldsOf(question).find((one) => !one.name.startsWith("o."));
  /** @type {HTMLElement | undefined} */ (field)?.focus({ preventScroll: true });
}

/** An option that stands alone puts the others out. @param {EventTarget | null} field */
export function alone(field) {
  if (!(field instanceof HTMLInputElement) || field.type !== "checkbox" || !field.checked)
    return;
  const own = field.closest("label")?.hasAttribute("data-alone");
  for (const other of /** @type {NodeListOf<HTMLInputElement>} */ (field.closest(".choices")?.querySelectorAll("input[type=checkbox]") ?? []))
    if (other !== field && (own || other.closest("label")?.hasAttribute("data-alone")))
      other.checked = false;
}

const SETTLED_MS = 300;

/** After a change: what was wrong is looked at again, and what can be told to be wrong is told; a moment later, so that nothing moves
 * under the finger that left the field. @param {EventTarget | null} field */
export function changed(field) {
  alone(field);
  const question = field instanceof Element ? /** @type {HTMLFieldSetElement | null} */ (field.closest("fieldset.q")) : null;
  if (question)
    setTimeout(() => {
      if (question.dataset.fault !== undefined || (faultOf(question) === "wrong" && !question.matches(".t-ranking, .t-choices"))) check(question);
    }, SETTLED_MS);
}

// ---- the page -----------------------------------------------------------------------------------------------------

/** @param {HTMLFormElement} form */
function begin(form) {
  /** @type {typeof import("./survey_if.js") | undefined} */
  let conditions;
  /** Questions whose condition this page can tell. */
  const open = () => {
    if (!conditions)
      return;
    for (const question of /** @type {NodeListOf<HTMLFieldSetElement>} */ (form.querySelectorAll("fieldset[data-if]"))) {
      const asked = conditions.holds(form, JSON.parse(question.dataset.if ?? "{}"));
      if (asked !== null && asked === question.hidden) ask(question, asked);
    }
  };
  form.noValidate = true;
  form.addEventListener("input", open);
  form.addEventListener("change", (event) => { changed(event.target); open(); });
  form.addEventListener("submit", (event) => {
    if (event.submitter instanceof HTMLButtonElement && event.submitter.value === "back")
      return;
    const questions = /** @type {HTMLFieldSetElement[]} */ ([...form.querySelectorAll("fieldset.q:not([hidden])")]);
    const [first] = questions.filter((question) => !check(question));
    if (!first)
      return;
    event.preventDefault();
    lead(first);
  });
  /** @type {HTMLElement | null} */ (document.querySelector(".faults"))?.focus();
  if (form.querySelector("fieldset[data-if]"))
    import("./survey_if.js").then((loaded) => { conditions = loaded; open(); });
  tell(form);
}

/** A page that was on the screen for a second was shown to somebody. @param {HTMLFormElement} form */
function tell(form) {
  const id = form.dataset.seen;
  if (!id)
    return;
  const fields = new URLSearchParams();
  for (const name of ["r", "t", "lang", "channel", "touchpoint", "unit"]) {
    const field = form.querySelector(`input[name="${name}"]`);
    if (field instanceof HTMLInputElement)
      fields.set(name, field.value);
  }
  const later = () => setTimeout(() => document.visibilityState === "visible" && navigator.sendBeacon(`/s/${id}/seen`, fields), 1000);
  if (document.visibilityState === "visible")
    later();
  else
    document.addEventListener("visibilitychange", later, { once: true });
}

const form = /** @type {HTMLFormElement | null} */ (document.querySelector("form[data-seen]"));
if (form)
  begin(form);
