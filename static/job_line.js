/* The line of a running job, which asks for itself until it has ended. */
(() => {
  "use strict";

  // A running job's line that comes back finished brings what it read onto the page; where somebody is at work there, the
  // line says that it has ended, and leads to the result.
  document.addEventListener("htmx:beforeSwap", ({ detail }) => {
    const then = detail.target?.dataset?.then;
    if (then && detail.shouldSwap && !detail.serverResponse.includes("data-then=") && !isAtWork()) location.reload();
  });

  function isAtWork() {
    const boxes = [...document.querySelectorAll("input, textarea, select")];
    return Boolean(document.querySelector("dialog[open]")) || Boolean(document.activeElement?.matches("input, textarea, select"))
      || boxes.some(isChanged);
  }

  function isChanged(box) {
    if (box.matches("select")) return box.selectedIndex !== Math.max(0, [...box.options].findIndex((each) => each.defaultSelected));
    const isTick = /^(checkbox|radio)$/.test(box.type); // whose value is "on" where none is written
    return isTick ? box.checked !== box.defaultChecked : box.value !== box.defaultValue;
  }
})();
