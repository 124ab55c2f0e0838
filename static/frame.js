/* The bar on top of every page. Without it the menus open and their links lead on; lists are only not narrowed. */
(() => {
  "use strict";

  // --- a list that is narrowed while one types -------------------------------------------------------------------

  const linksOf = (box) => [...document.getElementById(box.dataset.narrows).querySelectorAll("li:not([hidden]) > a")];

  document.addEventListener("input", ({ target: box }) => {
    if (!box.matches?.("[data-narrows]")) return;
    const list = document.getElementById(box.dataset.narrows);
    const words = box.value.toLowerCase().split(/\s+/);
    for (const item of list.children) item.hidden = !words.every((word) => item.textContent.toLowerCase().includes(word));
    list.parentElement.querySelector(".none").hidden = Boolean(linksOf(box).length);
  });

  document.addEventListener("keydown", (event) => {
    const box = event.target;
    if (!box.matches?.("[data-narrows]")) return;
    if (event.key === "ArrowDown") linksOf(box)[0]?.focus();
    else if (event.key === "Enter") linksOf(box)[0]?.click();
    else return;
    event.preventDefault();
  });

  // Up and down within an open menu of links.
  document.addEventListener("keydown", (event) => {
    const menu = event.target.closest?.(".topbar details.menu[open]");
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!menu || !step || event.defaultPrevented) return;
    const stops = [...menu.querySelectorAll("summary, [data-narrows], li:not([hidden]) :is(a, button), a.all")];
    stops[stops.indexOf(event.target) + step]?.focus();
    event.preventDefault();
  });

  document.addEventListener("toggle", ({ target: menu }) => {
    if (menu.matches?.(".topbar details.menu") && menu.open) menu.querySelector("[data-narrows]")?.focus();
  }, true);

  // Escape closes the menu (app.js) and gives the focus back to what opened it.
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") event.target.closest?.(".topbar details.menu")?.querySelector("summary").focus();
  });
})();
