/*
 * What every page of the interface does beyond HTML: copying, confirming, sending a form at once, notices that fade, "/" for
 * the search, times that stay right. Islands that a page needs besides are loaded when their mark is there.
 *
 * A refused form names its field before the message, which is marked and has the focus: [data-wrong="/contract/end"].
 *
 * MARKS  data-copy="#id" data-copied="text" · form[data-confirm="question"] · select[data-submit] · data-shortcut="/"
 *        [data-arrivals] live.js · [data-drop] [data-import] upload.js · [data-rules] rules.js · [data-run] run.js · [data-region] [data-busy] refresh.js · [data-suggest] suggest.js · table[data-list] lists.js · select[data-guess-timezone]
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

/** Says something for a moment. @param {string} text */
export function toast(text) {
  const place = document.getElementById("toasts");
  if (!place) return;
  const note = document.createElement("div");
  note.className = "toast";
  note.textContent = text;
  place.append(note);
  setTimeout(() => note.remove(), 3500);
}

/** A dialog instead of confirm(). @param {string} question @returns {Promise<boolean>} */
export function ask(question) {
  const dialog = document.createElement("dialog");
  const lang = document.documentElement.lang;
  const [no, yes] = lang === "es" ? ["Cancelar", "Sí, adelante"] : ["Cancel", "Yes, go on"];
  dialog.innerHTML = '<form method="dialog"><div class="dialog-body"><p></p></div><div class="dialog-foot"><button class="button" value="no"></button><button class="button primary" value="yes"></button></div></form>';
  const text = /** @type {HTMLElement} */ (dialog.querySelector("p"));
  text.textContent = question;
  text.id = "ask-text";
  dialog.setAttribute("aria-labelledby", "ask-text");
  dialog.querySelectorAll("button").forEach((button, i) => { button.textContent = i ? yes : no; });
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => dialog.addEventListener("close", () => { resolve(dialog.returnValue === "yes"); dialog.remove(); }));
}

document.addEventListener("click", async (event) => {
  const button = /** @type {HTMLElement|null} */ (/** @type {Element} */ (event.target).closest("[data-copy]"));
  if (!button) return;
  const source = document.querySelector(button.dataset.copy || "");
  try {
    await navigator.clipboard.writeText((source && source.textContent) || "");
    toast(button.dataset.copied || "✓");
  } catch {
    if (source) getSelection()?.selectAllChildren(source);
  }
});

document.addEventListener("submit", async (event) => {
  const form = /** @type {HTMLFormElement} */ (event.target);
  if (!form.dataset.confirm || form.dataset.confirmed) return;
  event.preventDefault();
  const submitter = /** @type {SubmitEvent} */ (event).submitter;
  if (!(await ask(form.dataset.confirm))) return;
  form.dataset.confirmed = "1";
  form.requestSubmit(/** @type {any} */ (submitter));
});

document.addEventListener("change", (event) => {
  const field = /** @type {HTMLSelectElement} */ (event.target);
  if (field.matches("[data-submit]")) field.form?.requestSubmit();
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || /** @type {Element} */ (event.target).closest("input, textarea, select")) return;
  const field = /** @type {HTMLElement|null} */ (document.querySelector('[data-shortcut="/"]'));
  if (field) { event.preventDefault(); field.focus(); }
});

for (const field of document.querySelectorAll("select[data-guess-timezone]")) {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const select = /** @type {HTMLSelectElement} */ (field);
  if ([...select.options].some((option) => option.value === zone)) select.value = zone;
}

// A notice is said once: not again when the page is reloaded or its address shared.
const here = new URL(location.href);
if (here.searchParams.has("notice")) {
  here.searchParams.delete("notice");
  history.replaceState(null, "", here);
}

/** The control that a pointer leads to: "/contract/end" is called contract_end, contract.end or end. @param {string} pointer */
function controlAt(pointer) {
  const path = pointer.split("/").slice(1);
  const names = [path.join("_"), path.join("."), path.at(-1) ?? ""].filter(Boolean);
  const controls = [...document.querySelectorAll("main form input, main form select, main form textarea")];
  return /** @type {HTMLInputElement|undefined} */ (names.map((name) => controls.find((control) =>
    /** @type {HTMLInputElement} */ (control).name === name && /** @type {HTMLInputElement} */ (control).type !== "hidden")).find(Boolean));
}

for (const box of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-wrong]"))) {
  const control = controlAt(box.dataset.wrong ?? "");
  if (!control) continue;
  const label = control.labels?.[0]?.textContent?.trim(), message = box.querySelector("p");
  control.setAttribute("aria-invalid", "true");
  if (label && message) message.prepend(`${label}: `);
  control.focus();
}

// Where tabs do not fit beside each other, the chosen one is seen.
for (const tabs of document.querySelectorAll(".tabs")) {
  const chosen = /** @type {HTMLElement|null} */ (tabs.querySelector("[aria-current]"));
  if (chosen && tabs.scrollWidth > tabs.clientWidth) tabs.scrollLeft = chosen.offsetLeft + chosen.offsetWidth / 2 - tabs.clientWidth / 2;
}

for (const [mark, file] of [["[data-arrivals]", "live.js"], ["[data-drop], [data-import]", "upload.js"], ["[data-rules]", "rules.js"], ["[data-run]", "run.js"], ["[data-region] [data-busy]", "refresh.js"], ["[data-suggest]", "suggest.js"], ["table[data-list]", "lists.js"]])
  if (document.querySelector(mark)) import(`./${file}`);
