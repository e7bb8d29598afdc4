/*
 * A survey on a public screen: one question at a time, large, with a way back; nothing of a visitor stays for the next one.
 *
 * What is asked comes as src/kiosk/asked.c gives it; conditions look back at what was answered in this visit.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
import { drawFace, moodOf } from "./kiosk_faces.js";

/** @typedef {Record<string, any>} Answers */

/** @param {any} condition @param {Answers} answers @returns {boolean} */
export function holds(condition, answers) {
  if (!condition) return true;
  if (condition.all) return condition.all.every((/** @type {any} */ one) => holds(one, answers));
  if (condition.any) return condition.any.some((/** @type {any} */ one) => holds(one, answers));
  if (condition.not) return !holds(condition.not, answers);
  const found = condition.question === undefined ? undefined : answers[condition.question], wanted = condition.value;
  const list = Array.isArray(found) ? found : [found];
  if (condition.op === "absent") return found === undefined;
  if (found === undefined) return false;
  switch (condition.op || "=") {
    case "exists": return true;
    case "=": return list.includes(wanted);
    case "!=": return !list.includes(wanted);
    case "in": return Array.isArray(wanted) && list.some((one) => wanted.includes(one));
    case "contains": return String(found).includes(String(wanted)) || list.includes(wanted);
    case "<": return found < wanted;
    case "<=": return found <= wanted;
    case ">": return found > wanted;
    case ">=": return found >= wanted;
    default: return false;
  }
}

/** Numbers that a scale offers. @param {any} question @returns {number[]} */
function points(question) {
  const [low, high] = question.type === "nps" ? [0, 10] : question.type === "ces" ? [1, 7] : [question.min ?? 1, question.max ?? 5];
  return Array.from({ length: high - low + 1 }, (_, i) => low + i);
}

/**
 * Leads through a survey.
 * @param {{survey: any, answers: Answers, make: any, show: any, word: (key: string) => string, text: (texts: any) => string, changed: () => void, done: () => void, leave: () => void}} screen
 */
export function runSurvey(screen) {
  const { survey, answers, make, word, text } = screen;
  /** @type {any[]} */
  const way = [];
  const asked = () => survey.questions.filter((/** @type {any} */ question) => holds(question.show_if, answers));

  function next() {
    const list = asked(), last = way[way.length - 1];
    const question = list[last ? list.indexOf(last) + 1 : 0];
    if (!question) return screen.done();
    way.push(question);
    ask(question);
  }
  function back() {
    way.pop();
    const before = way.pop();
    if (!before) return screen.leave();
    way.push(before);
    ask(before);
  }
  /** @param {any} question @param {any} value */
  function answer(question, value) {
    if (value === undefined || value === "") delete answers[question.id]; else answers[question.id] = value;
    screen.changed();
  }

  /** @param {any} question */
  function ask(question) {
    const list = asked(), at = list.indexOf(question), note = make("p", { className: "hint", role: "alert" });
    const go = make("button", { className: "go" }, word(at + 1 === list.length ? "send" : "go_on"));
    const heading = make("h1", { tabIndex: -1, "data-first": "", id: "asked" }, text(question.text));
    const body = field(question, () => { if (immediate(question)) next(); });
    go.onclick = () => {
      if (question.required && question.type !== "statement" && answers[question.id] === undefined) { note.textContent = word("needed"); return; }
      next();
    };
    screen.show("survey",
      make("progress", { max: list.length, value: at, "aria-label": word("progress") }),
      make("div", { className: "question" }, heading), ...(question.help ? [make("p", { className: "hint" }, text(question.help))] : []),
      ...body, note,
      make("div", { className: "actions" }, Object.assign(make("button", { className: "skip" }, word("back")), { onclick: back }), go));
  }

  /** One touch is the answer. @param {any} question */
  const immediate = (question) => ["nps", "csat", "ces", "rating", "choice", "consent"].includes(question.type) && !(question.options || []).some((/** @type {any} */ option) => option.other && answers[question.id] === option.id);

  /** @param {any} question @param {() => void} taken @returns {Node[]} */
  function field(question, taken) {
    switch (question.type) {
      case "nps": case "csat": case "ces": case "rating": return scale(question, taken);
      case "choice": case "choices": return choices(question, taken);
      case "consent": return choices({ ...question, options: [{ id: true, label: word("yes") }, { id: false, label: word("no") }] }, taken);
      case "statement": return [];
      default: return [words(question)];
    }
  }

  /** @param {any} question @param {() => void} taken */
  function scale(question, taken) {
    const all = points(question), faces = question.look === "faces" && all.length <= 5 && all.length >= 3;
    const row = make("div", { className: faces ? "faces" : "scale", role: "group", "aria-labelledby": "asked" });
    for (const value of all) {
      const name = question.look === "stars" ? "★" : String(value);
      const button = make("button", { className: faces ? "face" : "point", "data-value": String(value), "aria-pressed": String(answers[question.id] === value), "aria-label": faces ? word(`face_${moodOf(value, all.length)}`) : String(value) });
      if (faces) button.innerHTML = drawFace("classic", moodOf(value, all.length)); else button.textContent = name;
      button.onclick = () => { answer(question, value); taken(); };
      row.append(button);
    }
    const ends = make("div", { className: "ends" }, make("span", {}, text(question.low)), make("span", {}, text(question.high)));
    return question.low || question.high ? [row, ends] : [row];
  }

  /** @param {any} question @param {() => void} taken */
  function choices(question, taken) {
    const several = question.type === "choices", list = make("div", { className: "options", role: "group", "aria-labelledby": "asked" });
    const own = make("input", { className: "own", maxLength: 250, autocomplete: "off", "aria-label": word("own_words"), placeholder: word("own_words"), hidden: true });
    own.oninput = () => { const words = own.value.trim(); if (words) answers[`${question.id}.other`] = words; else delete answers[`${question.id}.other`]; screen.changed(); };
    const chosen = () => (several ? answers[question.id] || [] : answers[question.id] === undefined ? [] : [answers[question.id]]);
    const redraw = () => {
      [...list.children].forEach((button, i) => button.setAttribute("aria-pressed", String(chosen().includes(question.options[i].id))));
      own.hidden = !question.options.some((/** @type {any} */ option) => option.other && chosen().includes(option.id));
    };
    for (const option of question.options) {
      const label = `${option.emoji ? `${option.emoji} ` : ""}${option.label || text(option.text) || word(option.other ? "other" : "none")}`;
      const button = make("button", { className: "option", "data-option": String(option.id) }, label);
      button.onclick = () => {
        if (!several) { answer(question, option.id); redraw(); return taken(); }
        let now = chosen().includes(option.id) ? chosen().filter((/** @type {any} */ one) => one !== option.id) : option.exclusive ? [option.id] : [...chosen().filter((/** @type {any} */ one) => !question.options.find((/** @type {any} */ other) => other.id === one)?.exclusive), option.id];
        if (question.most && now.length > question.most) now = chosen();
        answer(question, now.length ? now : undefined);
        redraw();
      };
      list.append(button);
    }
    redraw();
    return [list, own];
  }

  /** @param {any} question */
  function words(question) {
    const long = question.type === "long_text", type = question.type === "number" ? "number" : question.type === "date" ? "date" : "text";
    const input = make(long ? "textarea" : "input", { "aria-labelledby": "asked", autocomplete: "off", placeholder: text(question.placeholder), maxLength: long ? 1000 : 250, ...(long ? { rows: 4 } : { type }) });
    if (type === "number") for (const end of ["min", "max"]) if (question[end] !== undefined) input.setAttribute(end, question[end]);
    input.value = answers[question.id] ?? "";
    input.oninput = () => answer(question, type === "number" ? (Number.isFinite(input.valueAsNumber) ? input.valueAsNumber : undefined) : input.value.trim());
    return input;
  }

  next();
}
