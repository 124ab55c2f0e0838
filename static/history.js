/* The history: a row opens in a drawer beside the table. Without it the link of a row opens the row's own page. */
(() => {
  "use strict";

  const drawer = () => document.querySelector("#_drawer > .drawer");
  const linkOf = (number) => document.getElementById(`row-${number}`);
  const links = () => [...document.querySelectorAll("#_rows a[id^=row-], #_as_align a[id^=row-]")];

  // The row that is open is marked, and seen: also where it was folded below its plan's newest.
  function mark() {
    document.querySelector("tr[aria-current]")?.removeAttribute("aria-current");
    const row = drawer() && linkOf(drawer().dataset.row)?.closest("tr");
    if (!row) return;
    row.setAttribute("aria-current", "true");
    const fold = row.matches(".more") && row.parentElement.querySelector("details");
    if (fold) fold.open = true;
    row.scrollIntoView({ block: "nearest" });
  }

  function show() {
    mark();
    drawer()?.querySelector("h2").focus({ preventScroll: true });
  }

  function close() {
    const { href } = drawer().querySelector("a[data-close]");
    const link = linkOf(drawer().dataset.row);
    document.getElementById("_drawer").replaceChildren();
    history.pushState({ htmx: true }, "", href); // as htmx marks its own, so that it also answers "back"
    mark();
    link?.focus({ preventScroll: true });
  }

  // A step within this page of the table opens the drawer anew; one beyond it leads to the page that has the row.
  function step(name) {
    const link = drawer()?.querySelector(`a[rel=${name}]`);
    if (link) link.click();
    else if (!drawer()) links()[0]?.click();
  }

  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[data-step], a[data-close]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const row = link.dataset.step && linkOf(link.dataset.step);
    if (row) row.click();
    else if (link.matches("[data-close]")) close();
    else return;
    event.preventDefault();
  });

  document.addEventListener("htmx:afterSettle", ({ detail }) => {
    if (detail.target.id === "_drawer" || detail.elt.id === "_drawer") show();
  });

  // Before app.js closes an open menu: one press closes one thing.
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest?.("input, select, textarea, dialog")) return;
    const isBusy = document.querySelector("details.menu[open], dialog[open]");
    if (event.key === "Escape" && drawer() && !isBusy) close();
    else if (event.key === "j") step("next");
    else if (event.key === "k") step("prev");
    else return;
    event.preventDefault();
  }, true);

  if (drawer()) show();
})();
