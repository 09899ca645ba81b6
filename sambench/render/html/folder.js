
// Which part is shown: the one that the address names, which goes on with what was chosen there,
// as in #overview?q=noise&sort=name; without a script all are.
const sections = [...document.querySelectorAll("main > section")];
const cards = [...document.querySelectorAll(".card")];
const picked = document.querySelector(".picked");
function asked() {
  const [id, query] = location.hash.slice(1).split("?");
  return [decodeURIComponent(id), new URLSearchParams(query)];
}
function keep(id, query) {
  for (const [key, chosen] of [...query]) if (!chosen) query.delete(key);
  const words = String(query);
  history.replaceState(null, "", "#" + id + (words ? "?" + words : ""));
}
function route(focus) {
  const [id, query] = asked();
  const target = id && document.getElementById(id);
  if (target && target.id === "main" && focus) return; // the skip link leaves things as they are
  const shown = (target && target.closest("main > section")) || sections[0];
  for (const section of sections) section.classList.toggle("shown", section === shown);
  document.title = shown.dataset.title + " · sambench";
  for (const link of document.querySelectorAll("nav a")) {
    const here = link.hash === "#" + shown.id;
    here ? link.setAttribute("aria-current", "page") : link.removeAttribute("aria-current");
  }
  if (shown.id === "overview") find(query);
  if (shown.id === "compare") contrast(query);
  if (!focus) return;
  if (target && target !== shown) target.scrollIntoView();
  else {
    scrollTo(0, 0);
    shown.querySelector("h1").focus({ preventScroll: true });
  }
}

// Studies: by words, by what they have, in an order; the address has it all, to be passed on.
const finder = document.querySelector("#overview .finder");
const FITS = {
  q: (card, text) => has(card.textContent, words(text)),
  variant: (card, key) => card.dataset.variant.split(" ").includes(key),
  dataset: (card, name) => card.dataset.dataset === name,
  model: (card, name) => card.dataset.model === name,
  noise: (card, share) => card.dataset.noise === share,
  state: (card, name, query) =>
    card.dataset.state === name &&
    (!card.dataset.winners || !query.get("variant") || card.dataset.winners.split(" ").includes(query.get("variant"))),
};
const by = (key) => (a, b) => order(a.dataset[key], b.dataset[key]);
const ORDERS = {
  "": (a, b) => by("date")(b, a) || by("name")(a, b),
  oldest: (a, b) => by("date")(a, b) || by("name")(a, b),
  name: by("name"),
};
function find(query) {
  if (!finder) return;
  for (const field of finder.elements)
    if (field.name && field !== document.activeElement) field.value = query.get(field.name) || "";
  let num = 0;
  for (const card of cards) {
    card.hidden = !Object.entries(FITS).every(([key, fits]) => !query.get(key) || fits(card, query.get(key), query));
    num += !card.hidden;
  }
  const place = document.querySelector(".cards");
  place.append(...cards.sort(ORDERS[query.get("sort")] || ORDERS[""]));
  finder.querySelector("output").textContent = num === cards.length ? num + " studies" : num + " of " + cards.length + " studies";
}
function chosen(form) {
  return new URLSearchParams([...new FormData(form)]);
}
if (finder) {
  finder.hidden = false;
  finder.addEventListener("input", () => {
    keep("overview", chosen(finder));
    find(chosen(finder));
  });
  finder.addEventListener("submit", (event) => event.preventDefault());
}

// Two studies side by side: those whose buttons are pressed, or that the two fields name.
const picks = [];
function pick(card, button) {
  const at = picks.indexOf(card);
  at >= 0 ? picks.splice(at, 1) : picks.push(card);
  if (picks.length > 2) picks.shift();
  for (const other of cards)
    other.querySelector(".pick").setAttribute("aria-pressed", String(picks.includes(other)));
  picked.hidden = !picks.length;
  if (!picks.length) return;
  const names = picks.map((own) => own.dataset.name);
  if (names.length < 2) {
    picked.textContent = "Compare " + names[0] + " with: choose another study";
    return;
  }
  const link = document.createElement("a");
  link.href = "#compare?" + new URLSearchParams({ a: names[0], b: names[1] });
  link.textContent = "Compare " + names.join(" and ");
  picked.replaceChildren(link);
}
if (cards.length > 1)
  for (const card of cards) {
    const button = card.querySelector(".pick");
    button.hidden = false;
    button.addEventListener("click", () => pick(card, button));
  }
const templates = Object.fromEntries([...document.querySelectorAll("template")].map((own) => [own.dataset.name, own]));
const sides = document.querySelector("#compare .finder");
function contrast(query) {
  const names = Object.keys(templates);
  const pair = ["a", "b"].map((side, i) => (query.get(side) in templates ? query.get(side) : names[i]));
  sides.elements.a.value = pair[0];
  sides.elements.b.value = pair[1];
  const facts = [], columns = [];
  pair.forEach((name, i) => {
    const column = document.createElement("article");
    column.append(templates[name].content.cloneNode(true));
    const list = column.querySelector(".facts");
    const terms = [...list.querySelectorAll("dt")];
    facts.push(new Map(terms.map((dt) => [dt.textContent, dt.nextElementSibling.textContent])));
    list.remove();
    for (const own of column.querySelectorAll("[id]")) own.id = "ab"[i] + "-" + own.id;
    for (const own of column.querySelectorAll("[aria-controls]"))
      own.setAttribute("aria-controls", "ab"[i] + "-" + own.getAttribute("aria-controls"));
    columns.push(column);
  });
  const place = document.querySelector(".pair");
  place.replaceChildren(...columns);
  enliven(place);
  const keys = [...new Set([...facts[0].keys(), ...facts[1].keys()])];
  const differing = keys.filter((key) => facts[0].get(key) !== facts[1].get(key));
  const heading = document.createElement("h2");
  heading.textContent = "Settings that differ";
  const told = document.createElement("p");
  told.className = "meta";
  told.textContent = keys.length - differing.length + " others are the same.";
  const table = document.createElement("table");
  const line = (place, cells, tags) => {
    const row = place.insertRow();
    cells.forEach((text, i) => {
      const cell = document.createElement(tags[i]);
      cell.textContent = text;
      if (tags[i] === "th") cell.scope = place === table.tHead ? "col" : "row";
      row.append(cell);
    });
  };
  table.createTHead();
  line(table.tHead, ["setting", ...pair], ["th", "th", "th"]);
  const body = table.createTBody();
  for (const key of differing) line(body, [key, ...facts.map((own) => own.get(key) || "-")], ["th", "td", "td"]);
  const scroll = document.createElement("div");
  scroll.className = "scroll";
  scroll.append(table);
  document.querySelector(".difference").replaceChildren(heading, ...(differing.length ? [scroll] : []), told);
}
if (sides) {
  sides.hidden = false;
  sides.addEventListener("input", () => {
    keep("compare", chosen(sides));
    contrast(chosen(sides));
  });
}
document.documentElement.classList.add("routed");
addEventListener("hashchange", () => route(true));
route(false);
