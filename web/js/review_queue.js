/*
 * The queue of reviews by keyboard: J and K move, P publishes, R opens the reasons and 1 to 9 takes one, U takes the last
 * decision back. Each key presses the button that bears it, so that a key does what its button does.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
const cards = /** @type {HTMLElement[]} */ ([...document.querySelectorAll("[data-review]")]);
let at = 0;

/** @param {number} to */
function move(to) {
  at = Math.max(0, Math.min(cards.length - 1, to));
  cards[at]?.focus({ preventScroll: true });
  cards[at]?.scrollIntoView({ block: "nearest", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
}

/** @param {string} key @param {ParentNode} [within] */
function press(key, within = document) {
  const button = /** @type {HTMLElement|null} */ (within.querySelector(`[data-key="${key}"]`));
  button?.click();
  return !!button;
}

document.addEventListener("keydown", (event) => {
  const target = /** @type {Element} */ (event.target);
  if (event.ctrlKey || event.metaKey || event.altKey || target.closest("input, textarea, select, dialog")) return;
  const key = event.key.toLowerCase(), card = cards[at];
  let done = true;
  if (key === "j") move(at + 1);
  else if (key === "k") move(at - 1);
  else if (key === "u") done = press("u");
  else if (card && (key === "p" || key === "r")) done = press(key, card);
  else if (card && /^[1-9]$/.test(key)) {
    const reasons = card.querySelector("details.review-refuse");
    done = !!reasons?.hasAttribute("open") && press(key, reasons);
  } else if (card && key === "escape") card.querySelector("details.review-refuse")?.removeAttribute("open");
  else done = false;
  if (done) event.preventDefault();
});

document.addEventListener("focusin", (event) => {
  const card = /** @type {Element} */ (event.target).closest("[data-review]");
  if (card) at = cards.indexOf(/** @type {HTMLElement} */ (card));
});

if (cards.length) move(0);
