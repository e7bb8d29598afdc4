/*
 * Conditions of questions ("show if"), as a page can tell them from what stands in its form. What a condition says about earlier pages was
 * decided by the server. A terminal (kiosk_survey.js) has the whole survey in its form (data-whole): then every condition is decided here.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
import { fieldsOf, saidBy } from "./survey.js";

/** @typedef {{question?: string, hidden?: string, trait?: string, op?: string, value?: unknown, all?: Condition[], any?: Condition[], not?: Condition}} Condition */

/** What was said of a question, of one of its rows ("q.row"), or which of its parts were filled in.
 * @param {HTMLFormElement} form @param {string} name @returns {string[]} */
export function valuesOf(form, name) {
  const all = fieldsOf(form).filter((field) => field.name.startsWith(`a.${name}`) && !field.matches(":disabled") && saidBy(field) !== "");
  const own = all.filter((field) => field.name === `a.${name}`).map(saidBy);
  return own.length ? own : all.filter((field) => field.name.startsWith(`a.${name}.`)).map((field) => field.name.slice(name.length + 3));
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

/** Whether a condition holds; null where it asks for what this page does not have. @param {HTMLFormElement} form @param {Condition} condition @returns {boolean | null} */
export function holds(form, condition) {
  if (condition.all || condition.any) {
    const inner = (condition.all ?? condition.any ?? []).map((one) => holds(form, one));
    const decides = !condition.all;
    return inner.includes(decides) ? decides : inner.includes(null) ? null : !decides;
  }
  if (condition.not) {
    const inner = holds(form, condition.not);
    return inner === null ? null : !inner;
  }
  const name = condition.question, op = condition.op ?? "=", wanted = condition.value;
  const here = name && form.querySelector(`[name="a.${CSS.escape(name)}"], [name^="a.${CSS.escape(name)}."]`);
  if (!here && form.dataset.whole === undefined)
    return null;
  const values = here && name ? valuesOf(form, name) : [];
  switch (op) {
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
