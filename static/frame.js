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
    const first = linksOf(box)[0]; // without one Enter sends the form, which looks among all of them
    if (event.key === "ArrowDown") first?.focus();
    else if (event.key === "Enter" && first) first.click();
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

  // --- the search over everything: a combobox with a list of links ------------------------------------------------

  const field = document.getElementById("find");
  const options = () => [...document.querySelectorAll("#find-options [role=option]")];
  let before = null; // what had the focus

  function openList(shown) {
    document.getElementById("find-options").hidden = !shown;
    field.setAttribute("aria-expanded", String(shown));
    if (!shown) activate(null);
  }

  function activate(option) {
    for (const each of options()) each.setAttribute("aria-selected", String(each === option));
    if (option) field.setAttribute("aria-activedescendant", option.id);
    else field.removeAttribute("aria-activedescendant");
    option?.scrollIntoView({ block: "nearest" });
  }

  function search() {
    if (field?.offsetParent) {
      before = document.activeElement;
      field.focus();
      field.select();
    } else document.querySelector("a.find-link")?.click();
  }

  function showKeys() {
    const link = document.getElementById("help");
    if (!link) return;
    htmx.ajax("GET", link.dataset.keys, { target: "#shortcuts-list", swap: "innerHTML" })
      .then(() => document.getElementById("shortcuts").showModal());
  }

  field?.addEventListener("keydown", (event) => {
    const all = options();
    const at = all.findIndex((each) => each.getAttribute("aria-selected") === "true");
    const isOpen = field.getAttribute("aria-expanded") === "true";
    if (event.key === "Escape" && (isOpen || field.value)) {
      if (!isOpen) field.value = "";
      openList(false);
    } else if (event.key === "Escape") before?.focus();
    else if (!all.length) return;
    else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && field.value) {
      openList(true);
      const next = event.key === "ArrowDown" ? at + 1 : at < 0 ? all.length - 1 : at - 1;
      activate(all[next] || null); // past either end the field itself is current again
    } else if (event.key === "Enter" && isOpen && at >= 0) all[at].click();
    else return;
    event.preventDefault();
  });
  field?.addEventListener("focus", () => { if (options().length && field.value) openList(true); });
  field?.addEventListener("blur", () => openList(false));
  // A press on an option must not take the focus away before the click is made.
  document.addEventListener("mousedown", (event) => { if (event.target.closest("#find-options")) event.preventDefault(); });
  document.addEventListener("htmx:afterSwap", ({ detail }) => {
    if (detail.target.id !== "find-options") return;
    activate(null); // what was chosen was of the list before
    const list = document.getElementById("find-options");
    openList(!list.hidden && Boolean(options().length) && document.activeElement === field);
  });

  // --- keys of every page -----------------------------------------------------------------------------------------

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" || event.altKey) return;
    const isTyping = event.target.closest?.("input, select, textarea, dialog");
    const control = event.ctrlKey || event.metaKey;
    const isSlash = event.key === "/" && !control && !isTyping && !document.getElementById("q"); // else app.js has it
    const isK = control && !event.altKey && event.key.toLowerCase() === "k" && !event.target.closest?.("dialog");
    const isHelp = event.key === "?" && !control && !isTyping;
    if (!isSlash && !isK && !isHelp) return;
    event.preventDefault();
    if (isHelp) showKeys();
    else search();
  });

  // Escape closes the menu (app.js) and gives the focus back to what opened it.
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") event.target.closest?.(".topbar details.menu")?.querySelector("summary").focus();
  });
})();
