/*
 * Explore without reloading: a change of the form asks again after a moment, an older question under way is cancelled, the
 * address and the history follow. All knowledge is the server's: this fetches the page of the new address and puts its form
 * and answer in place.
 *
 * STATES  idle → waiting (250 ms after a change) → asking (bar and "cancel" after 400 ms) → idle
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

const WAIT_MS = 250, PROGRESS_MS = 400;
/** @type {AbortController|null} */ let asking = null;
let waiting = 0;

/** @param {string} id */
const byId = (id) => /** @type {HTMLElement} */ (document.getElementById(id));
const form = () => /** @type {HTMLFormElement} */ (document.getElementById("question"));

/** The address of the form as it stands: empty fields say nothing. @param {HTMLElement|null} [button] */
function address(button) {
  const fields = new URLSearchParams();
  for (const [name, value] of new FormData(form()))
    if (typeof value === "string" && value.trim() !== "") fields.append(name, value);
  if (button instanceof HTMLButtonElement && button.name) fields.append(button.name, button.value);
  return `${form().getAttribute("action")}?${fields}`;
}

/** @param {string} id */
function show(id) {
  const part = /** @type {HTMLTemplateElement} */ (byId(id)).content.cloneNode(true);
  byId("answer").prepend(part);
  return /** @type {HTMLElement} */ (byId("answer").firstElementChild);
}

// Where form and answer stand below each other, the answer comes first: the form folds, unless it has something to correct.
const beside = matchMedia("(min-width: 72rem)");
function fold() {
  const question = /** @type {HTMLDetailsElement|null} */ (document.querySelector(".explore-ask"));
  if (!question) return;
  question.open = beside.matches || Boolean(question.querySelector(".error")) || !document.querySelector("#answer figure, #answer table");
  question.dataset.folds = "";
}
beside.addEventListener("change", fold);
fold();

/** What has the focus, to find it again in the new form. */
function focused() {
  const field = /** @type {HTMLInputElement|HTMLButtonElement|null} */ (document.activeElement);
  if (!field || !form().contains(field)) return null;
  return field.id ? `#${CSS.escape(field.id)}` : field.name === "do" ? `[name="do"][value="${CSS.escape(field.value)}"]` : `[name="${CSS.escape(field.name)}"]`;
}

/** Where the focus goes after the next answer, if not where it was. */
let next = "";

/** @param {Document} page @param {boolean} whole the form too */
function take(page, whole) {
  const answer = page.getElementById("answer");
  if (!answer) return location.assign(location.href);
  const open = [...document.querySelectorAll("[data-explore] details[open] > summary")].map((summary) => summary.textContent);
  const focus = next || focused();
  next = "";
  byId("answer").replaceWith(document.adoptNode(answer));
  for (const part of [".page-head", ".tabs"]) {
    const fresh = page.querySelector(`[data-explore] ${part}`);
    if (fresh) document.querySelector(`[data-explore] ${part}`)?.replaceWith(document.adoptNode(fresh));
  }
  const fresh = page.getElementById("question");
  if (whole && fresh) {
    form().replaceWith(document.adoptNode(fresh));
    if (focus) (/** @type {HTMLElement|null} */ (form().querySelector(`${focus}:not([disabled])`)) ?? /** @type {HTMLElement|null} */ (form().querySelector(".steps-edit li:last-child input")))?.focus();
  }
  for (const summary of document.querySelectorAll("[data-explore] details > summary"))
    if (open.includes(summary.textContent)) /** @type {HTMLDetailsElement} */ (summary.parentElement).open = true;
}

/** @param {string} target @param {{push?: boolean, whole?: boolean}} [how] */
async function ask(target, { push = true, whole = false } = {}) {
  clearTimeout(waiting);
  asking?.abort();
  const mine = (asking = new AbortController());
  const answer = byId("answer");
  answer.setAttribute("aria-busy", "true");
  const late = setTimeout(() => {
    const bar = show("working");
    bar.querySelector("button")?.addEventListener("click", () => { mine.abort("cancelled"); });
  }, PROGRESS_MS);
  try {
    const response = await fetch(target, { signal: mine.signal, headers: { Accept: "text/html" } });
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const canonical = page.querySelector("[data-address]")?.getAttribute("data-address") || response.url;
    if (push && new URL(canonical, location.href).href !== location.href) history.pushState(null, "", canonical);
    document.title = page.title;
    take(page, whole || response.redirected);
  } catch (error) {
    if (asking !== mine) return;
    answer.querySelector(".working")?.remove();
    answer.removeAttribute("aria-busy");
    show(mine.signal.aborted ? "cancelled" : "failed");
  } finally {
    clearTimeout(late);
    if (asking === mine) asking = null;
  }
}

/** @param {boolean} whole */
function askSoon(whole) {
  clearTimeout(waiting);
  asking?.abort();
  waiting = window.setTimeout(() => ask(address(), { whole }), WAIT_MS);
}

document.addEventListener("change", (event) => {
  const field = /** @type {HTMLInputElement} */ (event.target);
  if (field.closest("#question")) askSoon(field instanceof HTMLSelectElement || Boolean(field.closest("[data-row]")));
});

document.addEventListener("input", (event) => {
  const field = /** @type {HTMLInputElement} */ (event.target);
  if (!field.closest("#question")) return;
  const shown = field.closest(".field")?.querySelector("output[data-percent]");
  if (shown && field.type === "range") { shown.textContent = `${field.value} %`; askSoon(false); }
});

document.addEventListener("submit", (event) => {
  if (/** @type {HTMLElement} */ (event.target).id !== "question") return;
  event.preventDefault();
  const button = /** @type {HTMLButtonElement|null} */ (/** @type {SubmitEvent} */ (event).submitter);
  const move = /^(up|down)-s-(\d+)$/.exec(button?.value ?? "");
  if (move) next = `#q-s${Number(move[2]) + (move[1] === "up" ? -1 : 1)}`; // the focus goes with the step
  ask(address(button), { whole: true });
});

// Alt and the arrow keys move the step that has the focus.
document.addEventListener("keydown", (event) => {
  if (!event.altKey || (event.key !== "ArrowUp" && event.key !== "ArrowDown")) return;
  const row = /** @type {HTMLElement} */ (event.target).closest("li[data-row]");
  const button = row?.querySelector(`[value^="${event.key === "ArrowUp" ? "up" : "down"}-"]:not([disabled])`);
  if (!button) return;
  event.preventDefault();
  /** @type {HTMLElement} */ (button).click();
});

document.addEventListener("click", (event) => {
  const link = /** @type {HTMLAnchorElement|null} */ (/** @type {Element} */ (event.target).closest("[data-explore] .tabs a"));
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  ask(link.href, { whole: true });
});

// Values of the property beside the field, when it is entered.
document.addEventListener("focusin", async (event) => {
  const field = /** @type {HTMLInputElement} */ (event.target);
  const from = field.dataset?.values;
  if (!from) return;
  const property = /** @type {HTMLInputElement|null} */ (form().elements.namedItem(from))?.value.trim();
  const list = byId("values");
  field.setAttribute("list", "values");
  if (!property || list.dataset.of === property) return;
  list.dataset.of = property;
  list.replaceChildren();
  const response = await fetch(`${form().dataset.valuesAt}?property=${encodeURIComponent(property)}`).catch(() => null);
  if (!response?.ok) return;
  for (const value of (await response.json()).values) list.append(new Option(value, value));
});

addEventListener("popstate", () => ask(location.href, { push: false, whole: true }));
