/**
 * The public page of a survey, beyond what it does without script: questions that an answer opens appear at once, what is
 * missing is said before it is sent, an option that stands alone switches the others off, and that the page was seen is told once.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

/** @typedef {{question?: string, hidden?: string, trait?: string, op?: string, value?: unknown, all?: Condition[], any?: Condition[], not?: Condition}} Condition */

const form = /** @type {HTMLFormElement | null} */ (document.querySelector("form[data-seen]"));

/** @param {string} name @returns {string[]} */
function valuesOf(name) {
  if (!form)
    return [];
  const fields = [...form.elements].filter((field) => field instanceof HTMLInputElement || field instanceof HTMLTextAreaElement || field instanceof HTMLSelectElement);
  return fields
    .filter((field) => field.name === `a.${name}` && !field.matches(":disabled") && (!(field instanceof HTMLInputElement) || !/radio|checkbox/.test(field.type) || field.checked))
    .map((field) => field.value.trim())
    .filter((value) => value !== "");
}

/** @param {string} a @param {unknown} b @returns {number} */
function compare(a, b) {
  if (typeof b === "number") {
    const x = a === "" ? NaN : Number(a);
    return x < b ? -1 : x > b ? 1 : x === b ? 0 : NaN;
  }
  const text = String(b);
  return a < text ? -1 : a > text ? 1 : 0;
}

/** Whether a condition holds; null where it asks for what this page does not have. @param {Condition} condition @returns {boolean | null} */
function holds(condition) {
  if (condition.all || condition.any) {
    const inner = (condition.all ?? condition.any ?? []).map(holds);
    const decides = !condition.all;
    return inner.includes(decides) ? decides : inner.includes(null) ? null : !decides;
  }
  if (condition.not) {
    const inner = holds(condition.not);
    return inner === null ? null : !inner;
  }
  const name = condition.question;
  if (!name || !form?.querySelector(`[name="a.${CSS.escape(name)}"]`))
    return null;
  const values = valuesOf(name), wanted = condition.value;
  switch (condition.op ?? "=") {
  case "absent": return !values.length;
  case "exists": return values.length > 0;
  case "!=": return values.length > 0 && !values.some((value) => compare(value, wanted) === 0);
  case "<": return values.some((value) => compare(value, wanted) < 0);
  case "<=": return values.some((value) => compare(value, wanted) <= 0);
  case ">": return values.some((value) => compare(value, wanted) > 0);
  case ">=": return values.some((value) => compare(value, wanted) >= 0);
  case "in": return values.some((value) => Array.isArray(wanted) && wanted.some((one) => compare(value, one) === 0));
  case "contains": return values.some((value) => value.includes(String(wanted)));
  default: return values.some((value) => compare(value, wanted) === 0);
  }
}

/** Questions whose condition this page can tell. */
function open() {
  for (const question of /** @type {NodeListOf<HTMLFieldSetElement>} */ (document.querySelectorAll("fieldset[data-if]"))) {
    const asked = holds(JSON.parse(question.dataset.if ?? "{}"));
    if (asked !== null && asked === question.hidden) {
      question.hidden = !asked;
      question.disabled = !asked;
    }
  }
}

/** @param {HTMLFieldSetElement} question @returns {boolean} */
function isMissing(question) {
  const needed = /** @type {NodeListOf<HTMLInputElement>} */ (question.querySelectorAll("[required]"));
  const groups = new Map();
  for (const field of needed) {
    const filled = /radio|checkbox/.test(field.type) ? field.checked : field.value.trim() !== "";
    groups.set(field.name, (groups.get(field.name) ?? false) || filled);
  }
  const several = question.matches(".t-choices") && question.querySelector("abbr");
  return [...groups.values()].includes(false) || (Boolean(several) && !question.querySelector(":checked"));
}

/** @param {HTMLFieldSetElement} question @returns {boolean} */
function check(question) {
  const missing = isMissing(question);
  const broken = !missing && [...question.querySelectorAll("input, textarea")].some((field) => field instanceof HTMLInputElement && !field.validity.valid);
  const fault = /** @type {HTMLElement | null} */ (question.querySelector(".fault"));
  if (missing || !broken) {
    question.toggleAttribute("data-fault", missing);
    if (fault)
      fault.hidden = !missing;
  }
  return !missing;
}

/** @param {Event} event */
function alone(event) {
  const field = event.target;
  if (!(field instanceof HTMLInputElement) || field.type !== "checkbox" || !field.checked)
    return;
  const own = field.closest("label")?.hasAttribute("data-alone");
  for (const other of /** @type {NodeListOf<HTMLInputElement>} */ (field.closest(".choices")?.querySelectorAll("input[type=checkbox]") ?? []))
    if (other !== field && (own || other.closest("label")?.hasAttribute("data-alone")))
      other.checked = false;
}

/** @param {SubmitEvent} event */
function send(event) {
  if (event.submitter instanceof HTMLButtonElement && event.submitter.value === "back")
    return;
  const questions = /** @type {HTMLFieldSetElement[]} */ ([...document.querySelectorAll("fieldset.q:not([hidden])")]);
  const first = questions.filter((question) => !check(question))[0];
  if (first) {
    event.preventDefault();
    first.scrollIntoView({ block: "center" });
    /** @type {HTMLElement | null} */ (first.querySelector("input:not([type=hidden]), textarea, select"))?.focus();
  }
}

/** A page that was on the screen for a second was shown to somebody. */
function tell() {
  const id = form?.dataset.seen;
  if (!form || !id)
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

if (form) {
  form.noValidate = true;
  form.addEventListener("input", open);
  form.addEventListener("change", (event) => {
    alone(event);
    open();
    const question = event.target instanceof Element ? event.target.closest("fieldset.q[data-fault]") : null;
    if (question instanceof HTMLFieldSetElement)
      check(question);
  });
  form.addEventListener("submit", send);
  /** @type {HTMLElement | null} */ (document.querySelector(".faults"))?.focus();
  open();
  tell();
}
