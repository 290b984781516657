"use strict";
// Filters, groups and sorts the matrix, and says what a cell means. Every page
// can be read without it.
(() => {
  const table = document.getElementById("matrix");
  if (!table) return;
  const form = document.getElementById("filters");
  const said = document.getElementById("said");
  const heads = [...table.querySelectorAll("thead .clauses th[data-id]")];
  const families = [...table.querySelectorAll("thead .families th[data-family]")];
  const sums = [...table.querySelectorAll("thead .sums td")].slice(3);
  const rows = [...table.querySelectorAll("tbody tr[data-name]")];
  const lead = 4; // columns before the clauses
  form.hidden = said.hidden = false;
  document.getElementById("keys").hidden = false;

  const compare = {
    name: (a, b) => a.dataset.name.localeCompare(b.dataset.name, undefined, { numeric: true }),
    broken: (a, b) => b.dataset.broken - a.dataset.broken || compare.name(a, b),
    kept: (a, b) => a.dataset.broken - b.dataset.broken || b.dataset.judged - a.dataset.judged || compare.name(a, b),
    judged: (a, b) => b.dataset.judged - a.dataset.judged || compare.name(a, b),
  };

  function arrange(by, order) {
    table.querySelectorAll("tbody").forEach((body) => body.remove());
    const groups = new Map();
    [...rows].sort(compare[order]).forEach((row) => {
      const name = by ? row.dataset[by] : "All targets";
      if (!groups.has(name)) groups.set(name, []);
      groups.get(name).push(row);
    });
    [...groups.keys()].sort((a, b) => a.localeCompare(b)).forEach((name) => {
      const body = table.createTBody(), line = body.insertRow(), head = document.createElement("th");
      line.className = "group";
      head.scope = "rowgroup";
      head.className = "corner";
      head.textContent = name + " ";
      const count = document.createElement("small");
      count.textContent = groups.get(name).length;
      head.append(count);
      line.append(head);
      line.insertCell().colSpan = heads.length + 3;
      groups.get(name).forEach((row) => body.append(row));
    });
  }

  function filter() {
    const chosen = Object.fromEntries(new FormData(form));
    arrange(chosen.group, chosen.sort);
    const has = (cell) => cell.textContent.trim() === chosen.outcome;
    const here = rows.filter((row) => !chosen.language || row.dataset.language === chosen.language);
    const columns = heads.map((head, i) =>
      (!chosen.family || head.dataset.family === chosen.family) && (!chosen.level || head.dataset.level === chosen.level) &&
      (!chosen.outcome || here.some((row) => has(row.cells[lead + i]))));
    heads.forEach((head, i) => { head.hidden = sums[i].hidden = !columns[i]; });
    families.forEach((family) => {
      const count = heads.filter((head, i) => columns[i] && head.dataset.family === family.dataset.family).length;
      family.hidden = count === 0;
      family.colSpan = Math.max(count, 1);
    });
    rows.forEach((row) => {
      let found = !chosen.outcome;
      columns.forEach((shown, i) => {
        const cell = row.cells[lead + i];
        cell.hidden = !shown;
        const match = has(cell);
        found = found || (shown && match);
        cell.classList.toggle("dim", Boolean(chosen.outcome) && !match);
      });
      row.hidden = !found || !here.includes(row);
    });
    table.querySelectorAll("tbody").forEach((body) => {
      const left = [...body.rows].filter((row) => row.dataset.name && !row.hidden).length;
      body.hidden = left === 0;
      body.querySelector("small").textContent = left;
    });
    try { history.replaceState(null, "", "#" + new URLSearchParams(Object.entries(chosen).filter(([key, value]) => value && value !== initial[key]))); } catch { /* some browsers forbid it for files */ }
  }

  const initial = Object.fromEntries(new FormData(form));
  new URLSearchParams(location.hash.slice(1)).forEach((value, key) => {
    const field = form.elements[key];
    if (field && [...field.options].some((option) => (option.value || option.text) === value)) field.value = value;
  });
  form.addEventListener("change", filter);
  form.addEventListener("reset", () => setTimeout(filter));
  form.addEventListener("submit", (event) => event.preventDefault());
  if (location.hash.includes("=")) filter();

  const words = Object.fromEntries([...form.elements.outcome.options].filter((o) => o.value).map((o) => [o.value, o.text]));
  function say(cell) {
    const row = cell.parentElement, head = heads[cell.cellIndex - lead];
    if (!head) return;
    const parts = [];
    if (row.dataset.name) {
      const link = cell.querySelector("a"), word = words[cell.textContent.trim()] || "not in its run";
      parts.push(`${row.dataset.name}, ${head.dataset.id}: ${word}${link && link.dataset.reason ? ": " + link.dataset.reason : ""}.`);
    }
    parts.push(`${head.dataset.id} ${head.dataset.level}: ${head.dataset.sentence}`);
    said.textContent = parts.join(" ");
  }
  said.textContent = "Point at a cell, or go to it by Tab and the arrow keys: here stands what it means.";
  for (const event of ["pointerover", "focusin"]) {
    table.addEventListener(event, (e) => {
      const cell = e.target.closest("td, th");
      if (cell) say(cell);
    });
  }

  // One cell at a time is in the order of Tab; the arrow keys move on from it.
  const stop = (cell) => cell.querySelector("a") || cell;
  table.querySelectorAll("tbody td a").forEach((link) => { link.tabIndex = -1; });
  if (rows.length && heads.length) stop(rows[0].cells[lead]).tabIndex = 0;
  table.addEventListener("keydown", (e) => {
    const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[e.key];
    const cell = e.target.closest("td, th");
    if (!step || !cell || !cell.parentElement.dataset.name) return;
    const shown = [...table.querySelectorAll("tbody tr[data-name]")].filter((row) => !row.hidden && !row.parentElement.hidden);
    let row = cell.parentElement, at = cell.cellIndex;
    if (step[0]) row = shown[shown.indexOf(row) + step[0]];
    else do at += step[1]; while (row.cells[at] && row.cells[at].hidden);
    const next = row && row.cells[at];
    if (!next) return;
    e.preventDefault();
    stop(cell).tabIndex = -1;
    stop(next).tabIndex = stop(next).tagName === "A" || at >= lead ? 0 : -1;
    stop(next).focus({ preventScroll: true });
    next.scrollIntoView({ block: "nearest", inline: "nearest" });
  });
})();
