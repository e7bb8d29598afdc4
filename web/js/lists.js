/*
 * Lists that are here as a whole: sorted by any column, and from FIND_FROM rows on searched by any word of a row.
 *
 *   <table data-list="text of the search" data-none="nothing found">
 *
 * A cell is a time (<time datetime>), a number as the page's language writes it, or a text; what is empty ("–") comes last. A heading
 * without words (of buttons) sorts nothing. The order that the server chose comes back with the third press.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
const FIND_FROM = 10, spanish = document.documentElement.lang === "es";
const order = new Intl.Collator(document.documentElement.lang, { numeric: true, sensitivity: "base" });
const folded = (/** @type {string} */ text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();

/** What a cell sorts by: a number, a text, or null. @param {Element|undefined} cell */
function valueOf(cell) {
  const time = cell?.querySelector("time[datetime]"), text = (cell?.querySelector("b, .badge, a") ?? cell)?.textContent?.trim() ?? "";
  if (time) return Date.parse(time.getAttribute("datetime") ?? "");
  if (!text || text === "–") return null;
  const plain = text.replace(/[\s%€]/g, "").replace("−", "-").replaceAll(spanish ? "." : ",", "").replace(spanish ? "," : ".", ".");
  return /^-?\d+(\.\d+)?$/.test(plain) ? Number(plain) : text;
}

/** @param {any} a @param {any} b */
const compare = (a, b) => (typeof a === "number" && typeof b === "number" ? a - b : order.compare(String(a), String(b)));

/** @param {HTMLTableElement} table */
function sortable(table) {
  const body = table.tBodies[0], rows = [...body.rows], heads = /** @type {HTMLElement[]} */ ([...(table.tHead?.rows[0].cells ?? [])]);
  heads.forEach((head, column) => {
    const name = head.textContent?.trim();
    if (!name || head.querySelector(".visually-hidden, a")) return;
    const button = document.createElement("button");
    button.className = "sort";
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    head.setAttribute("aria-sort", "none");
    button.onclick = () => {
      const next = { none: "ascending", ascending: "descending", descending: "none" }[head.getAttribute("aria-sort") ?? "none"] ?? "none";
      for (const other of heads) if (other.hasAttribute("aria-sort")) other.setAttribute("aria-sort", "none");
      head.setAttribute("aria-sort", next);
      const sign = next === "descending" ? -1 : 1, values = new Map(rows.map((row) => [row, valueOf(row.cells[column])]));
      body.append(...(next === "none" ? rows : [...rows].sort((a, b) => {
        const x = values.get(a) ?? null, y = values.get(b) ?? null;
        return x === null || y === null ? Number(x === null) - Number(y === null) : sign * compare(x, y);
      })));
    };
  });
}

/** @param {HTMLTableElement} table */
function searchable(table) {
  const rows = [...table.tBodies[0].rows];
  if (rows.length < FIND_FROM) return;
  const field = document.createElement("input"), told = document.createElement("p"), place = table.closest(".table-wrap") ?? table, line = document.createElement("div");
  Object.assign(field, { type: "search", className: "input small", placeholder: table.dataset.list, ariaLabel: table.dataset.list });
  told.className = "quiet small";
  told.setAttribute("role", "status");
  line.className = "list-find";
  line.append(field, told);
  place.before(line);
  field.oninput = () => {
    const words = folded(field.value).split(/\s+/).filter(Boolean);
    let found = 0;
    for (const row of rows) {
      const text = folded(row.textContent ?? "");
      row.hidden = !words.every((word) => text.includes(word));
      if (!row.hidden) found++;
    }
    told.textContent = !words.length ? "" : found ? `${found} / ${rows.length}` : table.dataset.none ?? "";
  };
}

for (const table of /** @type {NodeListOf<HTMLTableElement>} */ (document.querySelectorAll("table[data-list]"))) {
  if (!table.tBodies[0] || table.tBodies[0].rows.length < 2) continue;
  sortable(table);
  searchable(table);
}
