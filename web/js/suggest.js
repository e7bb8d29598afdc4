/*
 * Suggestions below a search of customers: who is found while one types, chosen with the arrows and Enter or a click. Without it the form
 * works as ever. Pattern: combobox with a list (WAI-ARIA 1.2).
 *
 * MARK  input[data-suggest="/api/v1/customers?limit=7&q="][data-text-none]; with [data-suggest-fill] the number of who is chosen is put into
 *       the field, with the name beside it, instead of going to their page
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
const WAIT_MS = 140, LEAST = 2;

/** @typedef {{id: string, user_id: string|null, name: string, identifier: string|null}} Found */

/** @param {HTMLInputElement} input @param {number} number */
function attach(input, number) {
  const list = document.createElement("ul");
  list.id = `suggestions-${number}`;
  list.className = "suggestions";
  list.setAttribute("role", "listbox");
  list.hidden = true;
  input.after(list);
  for (const [name, value] of [["role", "combobox"], ["aria-autocomplete", "list"], ["aria-expanded", "false"], ["aria-controls", list.id], ["autocomplete", "off"]]) input.setAttribute(name, value);
  let at = -1, timer = 0, asked = 0;
  const fills = input.dataset.suggestFill !== undefined, chosen = document.createElement("p");
  chosen.className = "hint";
  chosen.setAttribute("role", "status");
  if (fills) input.parentElement?.after(chosen);

  /** @param {Found} customer */
  function fill(customer) {
    input.value = customer.user_id || customer.id;
    chosen.textContent = customer.name;
    close();
  }

  function close() {
    list.hidden = true;
    at = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  }

  /** @param {number} to */
  function move(to) {
    const rows = [...list.querySelectorAll("[role=option]")];
    if (!rows.length) return;
    at = (to + rows.length) % rows.length;
    rows.forEach((row, i) => row.setAttribute("aria-selected", String(i === at)));
    input.setAttribute("aria-activedescendant", rows[at].id);
    rows[at].scrollIntoView({ block: "nearest" });
  }

  /** @param {Found[]} found */
  function show(found) {
    list.replaceChildren();
    found.forEach((customer, i) => {
      const row = document.createElement("li"), link = document.createElement("a"), small = document.createElement("small");
      row.id = `${list.id}-${i}`;
      row.setAttribute("role", "option");
      row.setAttribute("aria-selected", "false");
      link.href = "/customers/" + encodeURIComponent(customer.id);
      link.tabIndex = -1;
      link.textContent = customer.name;
      small.textContent = customer.identifier && customer.identifier !== customer.name ? customer.identifier : customer.id;
      link.append(small);
      if (fills) link.addEventListener("click", (event) => { event.preventDefault(); fill(customer); input.focus(); });
      row.append(link);
      list.append(row);
    });
    if (!found.length) {
      const none = document.createElement("li");
      none.className = "quiet";
      none.textContent = input.dataset.textNone || "";
      list.append(none);
    }
    list.hidden = false;
    at = -1;
    input.setAttribute("aria-expanded", "true");
  }

  async function look() {
    const text = input.value.trim(), mine = ++asked;
    if (text.length < LEAST) return close();
    try {
      const answer = await fetch(input.dataset.suggest + encodeURIComponent(text), { headers: { accept: "application/json" } });
      if (mine !== asked || !answer.ok) return;
      show((await answer.json()).data);
    } catch {
      close();
    }
  }

  input.addEventListener("input", () => {
    chosen.textContent = "";
    clearTimeout(timer);
    timer = setTimeout(look, WAIT_MS);
  });
  input.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !list.hidden) {
      event.preventDefault();
      close();
    } else if (list.hidden) {
      if (event.key === "ArrowDown") look();
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      move(event.key === "ArrowDown" ? at + 1 : at < 0 ? -1 : at - 1);
    } else if (event.key === "Enter" && at >= 0) {
      event.preventDefault();
      const link = list.querySelectorAll("a")[at];
      if (fills) link?.click();
      else if (link) location.href = link.href;
    }
  });
  input.addEventListener("blur", () => setTimeout(close, 150));
}

/** @type {NodeListOf<HTMLInputElement>} */ (document.querySelectorAll("input[data-suggest]")).forEach(attach);
