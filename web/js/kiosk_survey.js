/*
 * A survey on a public screen: one question at a time, large, with a way back; nothing of a visitor stays for the next one.
 *
 * The questions are those of /s/, drawn by the server and checked by the same script (survey.js): the whole form is here at once, all but one question
 * hidden. What is not asked on this way is switched off, and so no part of the answers. Pages only say where jumps stand and what is
 * mixed together.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
import { ask, changed, check, faultOf, lead } from "./survey.js";
import { holds, valuesOf } from "./survey_if.js";

/** One touch is the answer. */
const AT_ONCE = ".t-nps, .t-csat, .t-ces, .t-rating, .t-choice, .t-picture";

/** @template T @param {T[]} list @returns {T[]} */
function mixed(list) {
  const other = [...list];
  for (let i = other.length - 1; i > 0; i--) {
    const k = Math.floor(Math.random() * (i + 1));
    [other[i], other[k]] = [other[k], other[i]];
  }
  return other;
}

/** What may be moved of a question, in another order for each visitor. @param {Element} question */
function mix(question) {
  const places = [...question.querySelectorAll("[data-moves]")].map((element) => {
    const place = document.createComment("");
    element.replaceWith(place);
    return { element, place };
  });
  mixed(places).forEach(({ element }, i) => places[i].place.replaceWith(element));
}

/** @param {HTMLFieldSetElement} question */
const idOf = (question) => question.id.slice(2);

/** {question: value} as the form of /s/ would send it; what is wrong is left out. @param {HTMLFieldSetElement[]} asked */
function answersOf(asked) {
  /** @type {Record<string, any>} */
  const answers = {};
  for (const question of asked) {
    if (faultOf(question)) continue;
    for (const field of /** @type {NodeListOf<HTMLInputElement>} */ (question.querySelectorAll("[name^='a.'], [name^='o.']"))) {
      const said = field.value.trim(), [name, part, side] = field.name.slice(2).split(".");
      if (said === "" || (/radio|checkbox/.test(field.type) && !field.checked)) continue;
      if (field.name[0] === "o") answers[`${name}.other`] = said;
      else if (side) (answers[name] ??= {})[part] = { ...answers[name][part], [side]: said };
      else if (part) (answers[name] ??= {})[part] = said;
      else if (question.matches(".t-choices")) (answers[name] ??= []).push(said);
      else answers[name] = said;
    }
    const own = `${idOf(question)}.other`;
    if (answers[own] && ![answers[idOf(question)]].flat().includes("other")) delete answers[own];
  }
  return answers;
}

/** What was said, as people read it. @param {HTMLFormElement} form @param {string} name */
function quoted(form, name) {
  return valuesOf(form, name).map((value) => {
    const field = form.querySelector(`[name="a.${CSS.escape(name)}"][value="${CSS.escape(value)}"]`);
    return field?.closest(".choices label, .pictures label")?.querySelector("span:not(.emoji)")?.textContent || value;
  }).join(", ");
}

/** A text with its quotes filled in; nothing is known of a visitor but what was said. @param {HTMLFormElement} form @param {string} text */
export const piped = (form, text) => text.replace(/\{\{([^|}]*)\|?([^}]*)\}\}/g, (_, name, otherwise) => (/^(trait|hidden)\./.test(name) ? "" : quoted(form, name)) || otherwise);

/** Texts that quote: [node, its text before]. @param {HTMLFormElement} form @returns {[Text | Attr, string][]} */
function quotesOf(form) {
  /** @type {[Text | Attr, string][]} */
  const found = [];
  const walk = document.createTreeWalker(form, NodeFilter.SHOW_TEXT);
  for (let node = walk.nextNode(); node; node = walk.nextNode()) if (node.nodeValue?.includes("{{")) found.push([/** @type {Text} */ (node), node.nodeValue]);
  for (const field of form.querySelectorAll("[placeholder*='{{']")) {
    const attribute = /** @type {Attr} */ (field.getAttributeNode("placeholder"));
    found.push([attribute, attribute.value]);
  }
  return found;
}

/**
 * Leads through a survey.
 * @param {{survey: any, language: string, make: any, show: any, word: (key: string) => string, text: (texts: any) => string, answered: (answers: Record<string, any>) => void, done: (thanks: string) => void, leave: () => void}} screen
 */
export function runSurvey(screen) {
  const { survey, make, word, text } = screen;
  const form = /** @type {HTMLFormElement} */ (make("form", { className: "asked", noValidate: true, "data-whole": "", html: survey.forms[screen.language] ?? survey.forms[survey.languages[0]] }));
  const questions = /** @type {HTMLFieldSetElement[]} */ ([...form.querySelectorAll("fieldset.q")]), quotes = quotesOf(form);
  /** @type {{page: any, questions: HTMLFieldSetElement[]}[]} */
  const pages = survey.pages.map((/** @type {any} */ page) => {
    const own = questions.filter((question) => page.questions.includes(idOf(question)));
    return { page, questions: page.random ? mixed(own) : own };
  });
  questions.forEach(mix);

  /** The questions on the way, as survey_path finds them; the others are switched off. */
  function asked() {
    /** @type {HTMLFieldSetElement[]} */
    const way = [];
    for (let p = 0, next = 0; p < pages.length; p++) {
      const { page, questions: own } = pages[p], open = p === next && (!page.show_if || holds(form, page.show_if) === true);
      let any = false;
      for (const question of own) {
        question.disabled = !(open && (!question.dataset.if || holds(form, JSON.parse(question.dataset.if)) === true));
        if (question.disabled) continue;
        any = true;
        way.push(question);
      }
      if (p === next) next = any ? (page.jump.find((/** @type {any} */ jump) => holds(form, jump.if))?.to ?? p + 1) : p + 1;
    }
    return way;
  }

  /** @type {HTMLFieldSetElement | undefined} */
  let now;
  let touched = false;
  const heading = make("h1", { className: "section" }), bar = make("progress", { "aria-label": word("progress") });
  const back = make("button", { className: "skip", type: "button" }), go = make("button", { className: "go" });

  /** @param {HTMLFieldSetElement} question */
  function put(question) {
    const way = asked(), at = way.indexOf(question), page = pages.find((one) => one.questions.includes(question))?.page;
    now = question;
    for (const one of questions) one.hidden = one !== question;
    for (const [node, before] of quotes) if (node.nodeValue !== piped(form, before)) node.nodeValue = piped(form, before);
    heading.textContent = piped(form, text(page?.title) || text(survey.title));
    bar.max = way.length;
    bar.value = at + 1;
    bar.hidden = !survey.progress;
    back.textContent = text(survey.previous) || word("back");
    back.hidden = !survey.back && at > 0;
    go.textContent = at + 1 === way.length ? text(survey.send) || word("send") : text(survey.next) || word("go_on");
    screen.show("survey", bar, heading, form);
    scrollTo(0, 0);
    const legend = /** @type {HTMLElement} */ (question.querySelector("legend"));
    legend.tabIndex = -1;
    legend.focus({ preventScroll: true });
  }
  function next() {
    if (now && !check(now)) return lead(now);
    const way = asked(), question = way[now ? way.indexOf(now) + 1 : 0];
    if (question) return put(question);
    screen.answered(answersOf(way));
    return screen.done(piped(form, text(survey.thanks)));
  }
  back.onclick = () => {
    const way = asked(), at = now ? way.indexOf(now) : 0;
    if (at > 0) put(way[at - 1]); else screen.leave();
  };
  form.append(make("div", { className: "actions" }, back, go));
  form.addEventListener("submit", (event) => { event.preventDefault(); next(); });
  form.addEventListener("pointerdown", () => { touched = true; });
  form.addEventListener("keydown", () => { touched = false; });
  form.addEventListener("input", () => screen.answered(answersOf(asked())));
  form.addEventListener("change", (event) => {
    changed(event.target);
    screen.answered(answersOf(asked()));
    if (touched && now?.matches(AT_ONCE) && /** @type {HTMLInputElement} */ (event.target).type === "radio" && !/** @type {HTMLElement} */ (event.target).closest("label")?.nextElementSibling?.matches(".own")) next();
  });
  for (const question of questions) ask(question, true);
  next();
}
