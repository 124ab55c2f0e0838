/* Ticking rows: all of a page at once, all that a filter leaves, and how many that are. */
(() => {
  "use strict";

  const ticks = () => document.querySelectorAll("input[name=ticked]");

  // All rows of a filter are those of this page, too; without one of these they are not all.
  function keepTrue(box) {
    const every = document.querySelector("input[name=all]");
    const head = document.querySelector("[data-all=ticked]");
    if (box === every && box.checked) for (const each of ticks()) each.checked = !each.disabled;
    if (box.checked || !(box === head || box.name === "ticked")) return;
    if (every) every.checked = false;
    if (head) head.checked = false;
  }

  // How many rows are ticked, where a bar of acts stands for them; a box for all rows of a filter says its own number.
  function count() {
    const told = document.querySelector("[data-counts]");
    if (!told) return;
    const all = told.parentElement.querySelector("input[name=all]");
    const number = [...ticks()].filter((each) => each.checked).length;
    const words = all?.checked ? all.nextElementSibling.textContent : `${number} ${number === 1 ? "row" : "rows"} selected`;
    told.textContent = words;
    document.getElementById("live").textContent = words;
  }

  document.addEventListener("change", ({ target }) => {
    if (!target.matches("input[type=checkbox]")) return;
    if (target.matches("[data-all]")) {
      for (const box of target.closest(".card").querySelectorAll(`input[name="${target.dataset.all}"]`)) box.checked = target.checked && !box.disabled;
    }
    keepTrue(target);
    count();
  });

  if (document.querySelector("input[name=ticked]:checked")) count(); // a browser that goes back keeps what was ticked
})();
