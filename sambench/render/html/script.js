"use strict";
// Which part is shown: the one that the address names; without a script all are.
const sections = [...document.querySelectorAll("main > section")];
function route(focus) {
  const wanted = decodeURIComponent(location.hash.slice(1));
  const target = wanted && document.getElementById(wanted);
  const shown = (target && target.closest("main > section")) || sections[0];
  for (const section of sections) section.classList.toggle("shown", section === shown);
  document.title = shown.dataset.title + " · sambench";
  for (const link of document.querySelectorAll("nav a")) {
    const here = link.hash === "#" + shown.id;
    here ? link.setAttribute("aria-current", "page") : link.removeAttribute("aria-current");
  }
  if (!focus) return;
  if (target && target !== shown) target.scrollIntoView();
  else { scrollTo(0, 0); shown.querySelector("h1").focus({ preventScroll: true }); }
}
document.documentElement.classList.add("routed");
addEventListener("hashchange", () => route(true));
route(false);

// Tables: a button in each head sorts, cells without a value stay last; a field filters rows.
function value(row, i) {
  const cell = row.cells[i];
  if ("none" in cell.dataset) return null;
  return "key" in cell.dataset ? Number(cell.dataset.key) : cell.textContent.trim();
}
function compare(a, b) {
  return typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), "en");
}
function sort(table, i, head) {
  const first = head.classList.contains("number") ? "descending" : "ascending";
  const other = first === "ascending" ? "descending" : "ascending";
  const order = head.getAttribute("aria-sort") === first ? other : first;
  for (const th of table.tHead.rows[0].cells) th.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", order);
  const sign = order === "ascending" ? 1 : -1;
  const rows = [...table.tBodies[0].rows].map((row) => [value(row, i), row]);
  rows.sort(([a], [b]) => (a === null || b === null ? (a === null) - (b === null) : sign * compare(a, b)));
  table.tBodies[0].append(...rows.map(([, row]) => row));
}
for (const table of document.querySelectorAll("table")) {
  if (table.tBodies[0].rows.length < 2) continue;
  [...table.tHead.rows[0].cells].forEach((head, i) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    button.addEventListener("click", () => sort(table, i, head));
    head.replaceChildren(button);
  });
}
for (const label of document.querySelectorAll(".filter")) {
  const input = label.querySelector("input");
  label.hidden = false;
  input.addEventListener("input", () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const row of document.getElementById(input.getAttribute("aria-controls")).rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
    }
  });
}

// Figures: the nearest mark tells what its <title> says, to mouse, finger and arrow keys.
const tip = document.getElementById("tip");
const REACH = 28; // pixels
let near = null;
function tell(mark, text) {
  if (near) near.classList.remove("near");
  near = mark;
  tip.hidden = !mark;
  if (!mark) return;
  mark.classList.add("near");
  tip.textContent = text;
  const box = mark.getBoundingClientRect();
  const x = box.left + box.width / 2 - tip.offsetWidth / 2;
  const above = box.top - tip.offsetHeight - 8;
  tip.style.left = Math.max(8, Math.min(x, innerWidth - tip.offsetWidth - 8)) + "px";
  tip.style.top = (above > 4 ? above : box.bottom + 8) + "px";
}
for (const svg of document.querySelectorAll(".sambench-figure")) {
  const marks = [...svg.querySelectorAll(".point")];
  const texts = marks.map((mark) => {
    const title = mark.querySelector("title");
    title.remove();
    return title.textContent;
  });
  if (!marks.length) continue;
  let at = -1;
  svg.setAttribute("tabindex", "0");
  svg.setAttribute("aria-roledescription", "figure; arrow keys read its points");
  const point = (event) => {
    let best = REACH ** 2, found = -1;
    marks.forEach((mark, i) => {
      const box = mark.getBoundingClientRect();
      const d = (box.left + box.width / 2 - event.clientX) ** 2 + (box.top + box.height / 2 - event.clientY) ** 2;
      if (d <= best) [best, found] = [d, i];
    });
    if (found >= 0) at = found;
    tell(marks[found] || null, texts[found]);
  };
  svg.addEventListener("pointermove", point);
  svg.addEventListener("pointerdown", point);
  svg.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && tell(null));
  svg.addEventListener("blur", () => tell(null));
  svg.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (event.key === "Escape") tell(null);
    if (!step) return;
    event.preventDefault();
    at = (at + step + marks.length) % marks.length;
    tell(marks[at], texts[at]);
  });
}
addEventListener("scroll", () => tell(null), { passive: true });
