/*
 * Touchpoint rules: counts of what each rule would name, while it is being written; moving a rule up.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
const form = /** @type {HTMLFormElement} */ (document.querySelector("[data-rules]"));
const number = new Intl.NumberFormat(document.documentElement.dataset.region, { useGrouping: true });
let timer = 0;

/** The rules as they stand, in the shape of the API. */
function rules() {
  return [...form.querySelectorAll(".rule")].map((rule) => {
    const value = (/** @type {string} */ name) => /** @type {HTMLInputElement|null} */ (rule.querySelector(`[name^="${name}_"]`))?.value || "";
    return Object.fromEntries(["event", "path", "channel", "property", "value", "touchpoint"].map((name) => [name, value(name)]));
  });
}

async function preview() {
  const answer = await fetch(form.dataset.rules || "", {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-CSRF-Token": /** @type {HTMLInputElement} */ (form.elements.namedItem("csrf")).value },
    body: JSON.stringify({ rules: rules() }),
  });
  if (!answer.ok) return;
  const { counts } = await answer.json();
  form.querySelectorAll("[data-matches]").forEach((place, i) => {
    place.textContent = counts && typeof counts[i] === "number" ? (form.dataset.textMatches || "%n").replace("%n", number.format(counts[i])) : "";
  });
}

form.addEventListener("input", () => { clearTimeout(timer); timer = window.setTimeout(preview, 350); });

/** Indexes follow the order on the page. */
function renumber() {
  form.querySelectorAll(".rule").forEach((rule, i) => {
    for (const field of rule.querySelectorAll("[name]")) field.setAttribute("name", (field.getAttribute("name") || "").replace(/_\d+$/, `_${i}`));
    const remove = rule.querySelector('[name="remove"]');
    if (remove) remove.setAttribute("value", String(i));
    /** @type {HTMLElement|null} */ (rule.querySelector('[data-rule="up"]'))?.toggleAttribute("hidden", i === 0);
  });
}
form.addEventListener("click", (event) => {
  const up = /** @type {Element} */ (event.target).closest('[data-rule="up"]');
  const rule = up?.closest(".rule");
  if (!rule || !rule.previousElementSibling) return;
  rule.previousElementSibling.before(rule);
  renumber();
  /** @type {HTMLElement} */ (up).focus();
  preview();
});
renumber();
