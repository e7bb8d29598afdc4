/*
 * The form of margins: the sum of each variable's shares follows what is typed.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
const percent = new Intl.NumberFormat(document.documentElement.dataset.region, { style: "percent", maximumFractionDigits: 1 });

/** "48,5 %" is 48.5. @param {string} text */
const share = (text) => Number(text.replace(/[\s%]/g, "").replace(",", ".")) || 0;

document.querySelector("[data-margins]")?.addEventListener("input", (event) => {
  const table = /** @type {HTMLElement} */ (event.target).closest("table");
  const output = table?.querySelector("[data-sum]");
  if (!table || !output) return;
  const inputs = /** @type {NodeListOf<HTMLInputElement>} */ (table.querySelectorAll("[data-share]"));
  const sum = [...inputs].reduce((total, input) => total + share(input.value), 0);
  output.textContent = percent.format(sum / 100);
  output.className = `badge ${Math.abs(sum - 100) <= 0.1 ? "good" : "warn"}`;
});
