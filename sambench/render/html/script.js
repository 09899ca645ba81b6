"use strict";
// Tables: a button in each head sorts, cells without a value stay last; a field filters rows.
function value(row, i) {
  const cell = row.cells[i];
  if ("none" in cell.dataset) return null;
  return "key" in cell.dataset ? Number(cell.dataset.key) : cell.textContent.trim();
}
function order(a, b) {
  return typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), "en");
}
function sort(table, i, head) {
  const first = head.classList.contains("number") ? "descending" : "ascending";
  const other = first === "ascending" ? "descending" : "ascending";
  const wanted = head.getAttribute("aria-sort") === first ? other : first;
  for (const th of table.tHead.rows[0].cells) th.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", wanted);
  const sign = wanted === "ascending" ? 1 : -1;
  const rows = [...table.tBodies[0].rows].map((row) => [value(row, i), row]);
  rows.sort(([a], [b]) => (a === null || b === null ? (a === null) - (b === null) : sign * order(a, b)));
  table.tBodies[0].append(...rows.map(([, row]) => row));
}
// A table that is wider than its place can be scrolled by keyboard, and shows that it goes on.
function measure(scroll) {
  const left = scroll.scrollWidth - scroll.clientWidth;
  left > 1 ? scroll.setAttribute("tabindex", "0") : scroll.removeAttribute("tabindex");
  scroll.parentElement.classList.toggle("on", scroll.scrollLeft < left - 1);
}
const resized = new ResizeObserver((found) => found.forEach(({ target }) => measure(target)));
function enliven(root) {
  for (const table of root.querySelectorAll("table")) {
    const scroll = table.closest(".scroll");
    if (scroll) {
      resized.observe(scroll);
      scroll.addEventListener("scroll", () => measure(scroll), { passive: true });
    }
    if (table.tBodies[0].rows.length < 2) continue;
    [...table.tHead.rows[0].cells].forEach((head, i) => {
      const name = head.querySelector(".name");
      const button = document.createElement("button");
      button.type = "button";
      button.className = "sort";
      button.textContent = name.textContent;
      button.addEventListener("click", () => sort(table, i, head));
      name.replaceWith(button);
    });
  }
  for (const label of root.querySelectorAll(".filter")) {
    const input = label.querySelector("input");
    label.hidden = false;
    input.addEventListener("input", () => {
      const asked = words(input.value);
      for (const row of document.getElementById(input.getAttribute("aria-controls")).rows)
        row.hidden = !has(row.textContent, asked);
    });
  }
}
function words(text) {
  return text.toLowerCase().split(/\s+/).filter(Boolean);
}
function has(text, asked) {
  const found = text.toLowerCase();
  return asked.every((word) => found.includes(word));
}
enliven(document);

// Meanings stand below the word that was asked for.
for (const meaning of document.querySelectorAll(".meaning")) {
  meaning.addEventListener("toggle", (event) => {
    if (event.newState !== "open") return;
    const asked = document.activeElement;
    if (!asked || asked.getAttribute("popovertarget") !== meaning.id) return;
    place(meaning, asked.getBoundingClientRect(), true);
  });
}
document.addEventListener("click", (event) => {
  const asked = event.target.closest && event.target.closest("[popovertarget]");
  if (asked) asked.focus({ preventScroll: true }); // Safari does not focus what is clicked
});
function place(box, near, below) {
  box.style.margin = "0";
  const x = near.left + near.width / 2 - box.offsetWidth / 2;
  const over = near.top - box.offsetHeight - 8, under = near.bottom + 8;
  const fits = below ? under + box.offsetHeight < innerHeight || over < 4 : over < 4;
  box.style.inset = "auto";
  box.style.left = Math.max(8, Math.min(x, document.documentElement.clientWidth - box.offsetWidth - 8)) + "px";
  box.style.top = (fits ? under : over) + "px";
}

// Figures: the nearest mark tells what its <title> says, to mouse, finger and arrow keys.
const tip = document.getElementById("tip");
const REACH = 28; // pixels
let near = null;
function tell(mark, text) {
  if (near) near.classList.remove("near");
  near = mark;
  tip.hidden = !mark;
  if (tip.togglePopover) tip.togglePopover(!!mark); // above an enlarged figure, too
  if (!mark) return;
  mark.classList.add("near");
  tip.textContent = text;
  place(tip, mark.getBoundingClientRect(), false);
}
const telling = (svg) => near !== null && svg.contains(near);
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
    if (event.key === "Escape" && near) {
      event.preventDefault(); // the first closes the tip, the second the enlarged figure
      tell(null);
    }
    if (!step) return;
    event.preventDefault();
    at = (at + step + marks.length) % marks.length;
    tell(marks[at], texts[at]);
  });
}
addEventListener("scroll", () => tell(null), { passive: true });

// A figure is enlarged by moving it into the dialog, and moved back.
const zoom = document.getElementById("zoom");
for (const figure of document.querySelectorAll("figure")) {
  const link = figure.querySelector(".enlarge"), svg = figure.querySelector("svg");
  const button = document.createElement("button");
  button.type = "button";
  button.className = "enlarge";
  button.textContent = link.textContent;
  button.setAttribute("aria-label", link.getAttribute("aria-label"));
  button.setAttribute("aria-haspopup", "dialog");
  const open = () => {
    if (zoom.open) return;
    figure.style.minHeight = figure.offsetHeight + "px";
    zoom.setAttribute("aria-label", svg.getAttribute("aria-label"));
    zoom.querySelector(".zoomed").replaceChildren(svg);
    zoom.showModal();
    zoom.addEventListener("close", () => {
      tell(null);
      figure.prepend(svg);
      figure.style.minHeight = "";
    }, { once: true });
  };
  button.addEventListener("click", open);
  link.replaceWith(button);
  svg.addEventListener("click", (event) => {
    if (event.pointerType !== "mouse" && telling(svg)) return; // a finger asked for a point
    if (figure.contains(svg)) open();
  });
}
zoom.addEventListener("click", (event) => event.target === zoom && zoom.close());

// Folded parts: an address opens its own, a button and the printer all.
function unfold(id) {
  const target = id && document.getElementById(id);
  for (let at = target; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
  return target;
}
const folded = [...document.querySelectorAll("main details")];
for (const button of document.querySelectorAll(".unfold")) {
  button.hidden = false;
  button.addEventListener("click", () => {
    const open = folded.some((details) => !details.open);
    for (const details of folded) details.open = open;
    button.textContent = open ? "Close all" : "Open all";
  });
}
addEventListener("beforeprint", () => folded.forEach((details) => { details.open = true; }));
addEventListener("hashchange", () => {
  const target = unfold(decodeURIComponent(location.hash.slice(1)));
  if (target && target.closest("details")) target.scrollIntoView();
});
unfold(decodeURIComponent(location.hash.slice(1)));
