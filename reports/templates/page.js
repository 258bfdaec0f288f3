"use strict";
(() => {
  const root = document.documentElement, all = (what) => [...document.querySelectorAll(what)];
  const search = document.getElementById("search"), suite = document.getElementById("suite");
  const items = all(".item"), chips = all("[data-filter]"), keys = document.getElementById("keys");
  const shown = document.getElementById("shown"), told = new Map(items.map((each) => [each, each.textContent.toLowerCase()]));
  let verdict = "";
  root.classList.add("scripted");

  const filter = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean), group = suite ? suite.value : "";
    for (const each of items) {
      const fits = (!verdict || each.dataset.verdict === verdict || (verdict === "red" && /fail|inconclusive/.test(each.dataset.verdict)))
        && (!group || each.dataset.suite === group) && words.every((word) => told.get(each).includes(word));
      each.hidden = !fits;
    }
    for (const part of all(".grid, .cause")) part.hidden = !part.querySelector(".item:not([hidden])");
    for (const chip of chips) chip.setAttribute("aria-pressed", String(chip.dataset.filter === verdict));
    const narrowed = words.length || group || verdict, rows = items.filter((each) => !each.closest(".cause"));
    for (const fold of narrowed ? all(".grid > .more") : []) fold.open = true;
    shown.textContent = narrowed ? `${rows.filter((each) => !each.hidden).length} of ${rows.length}` : "";
  };
  const choose = (which) => { verdict = which; filter(); };

  const reveal = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    if (target.closest("[hidden]")) { search.value = ""; if (suite) suite.value = ""; choose(""); }
    for (let each = target; each; each = each.parentElement) if (each.tagName === "DETAILS") each.open = true;
    target.scrollIntoView({ block: "start" });
  };

  const theme = (choice) => {
    root.dataset.theme = choice;
    try { localStorage.setItem("plumbline-theme", choice); } catch { /* a file may have no storage */ }
  };
  const dark = () => (root.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  const turn = () => theme(dark() ? "light" : "dark");
  try { const kept = localStorage.getItem("plumbline-theme"); if (kept) root.dataset.theme = kept; } catch { /* as above */ }

  const step = (by) => {
    const visible = all("summary").filter((each) => each.checkVisibility() && each.parentElement.matches(".row, .item > details"));
    const at = visible.indexOf(document.activeElement);
    const next = visible[at < 0 ? (by > 0 ? 0 : visible.length - 1) : Math.min(Math.max(at + by, 0), visible.length - 1)];
    if (next) { next.focus(); next.scrollIntoView({ block: "nearest" }); }
  };
  const commands = {
    "/": () => search.focus(), j: () => step(1), k: () => step(-1), t: turn,
    f: () => choose(verdict === "red" ? "" : "red"), "?": () => (keys.open ? keys.close() : keys.showModal()),
  };
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape" && !keys.open) { search.value = ""; search.blur(); choose(""); return; }
    if (/INPUT|SELECT/.test(event.target.tagName) || !commands[event.key]) return;
    event.preventDefault();
    commands[event.key]();
  });
  search.addEventListener("input", filter);
  if (suite) suite.addEventListener("change", filter);
  for (const chip of chips) chip.addEventListener("click", () => choose(chip.dataset.filter));
  document.getElementById("theme").addEventListener("click", turn);
  document.getElementById("help").addEventListener("click", commands["?"]);
  addEventListener("hashchange", reveal);
  reveal();
})();
