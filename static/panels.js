/* The cards beside a matrix stay folded as a person left them in this browser. Loaded before the page is drawn: what is
   folded is hidden by the stylesheet from the first, by the names at the root, so nothing jumps. */
(() => {
  "use strict";

  const root = document.documentElement;
  const key = `folded-panels-${document.currentScript.dataset.person}`;
  const folded = () => new Set((root.dataset.folded ?? "").split(" ").filter(Boolean));

  // Where the browser keeps nothing for pages, it is kept until this one is left.
  function kept() {
    try { return localStorage.getItem(key) ?? ""; } catch { return ""; }
  }
  function keep(names) {
    root.dataset.folded = names;
    try { localStorage.setItem(key, names); } catch { /* not in this browser */ }
  }

  function fold() {
    const names = folded();
    for (const panel of document.querySelectorAll("details[data-panel]:not([data-met])")) {
      panel.open = !names.has(panel.dataset.panel);
      panel.dataset.met = "";
    }
  }

  root.dataset.folded = kept();
  for (const name of ["DOMContentLoaded", "htmx:oobAfterSwap", "htmx:afterSwap"]) document.addEventListener(name, fold);

  // `open` is still as it was before the click.
  document.addEventListener("click", ({ target }) => {
    const panel = target.closest?.("details[data-panel] > summary")?.parentElement;
    if (!panel || target.closest("a, button")) return;
    const names = folded();
    names[panel.open ? "add" : "delete"](panel.dataset.panel);
    keep([...names].join(" "));
  });
})();
