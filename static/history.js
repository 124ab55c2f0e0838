/* The history: a row opens in a drawer beside the table. Without it the link of a row opens the row's own page. */
(() => {
  "use strict";

  const drawer = () => document.querySelector("#_drawer > .drawer");
  const linkOf = (number) => document.getElementById(`row-${number}`);
  const narrow = matchMedia("(max-width: 760px)"); // as app.css: there the drawer covers everything
  const links = () => [...document.querySelectorAll("#_rows a[id^=row-], #_as_align a[id^=row-]")];

  let wanted = ""; // the number of the row that was asked for and is not here yet

  // On a phone nothing behind the drawer can be reached by keyboard or read out while it is open.
  function cover() {
    document.querySelectorAll("[data-behind]").forEach((each) => {
      each.inert = false;
      delete each.dataset.behind;
    });
    if (!drawer() || !narrow.matches) return;
    for (let part = document.getElementById("_drawer"); part !== document.body; part = part.parentElement) {
      for (const beside of part.parentElement.children) {
        if (beside === part || beside.inert || beside.matches("script, dialog, #live, #trouble")) continue;
        beside.inert = true;
        beside.dataset.behind = "";
      }
    }
  }

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
    cover();
    drawer()?.querySelector("h2").focus({ preventScroll: true });
  }

  function close() {
    const { href } = drawer().querySelector("a[data-close]");
    const link = linkOf(drawer().dataset.row);
    // A row on its way would open again what was closed.
    htmx.trigger("#_rows, #_as_align", "htmx:abort");
    document.getElementById("_drawer").replaceChildren();
    cover();
    history.pushState({ htmx: true }, "", href); // as htmx marks its own, so that it also answers "back"
    mark();
    link?.focus({ preventScroll: true });
  }

  // A step within this page of the table opens the drawer anew; one beyond it leads to the page that has the row. It
  // goes on from the row that was asked for last, so that a key pressed twice steps twice.
  function step(name) {
    const shown = links();
    const place = shown.indexOf(linkOf(wanted || drawer()?.dataset.row));
    const beside = place < 0 ? undefined : shown[place + (name === "next" ? 1 : -1)];
    if (beside) beside.click();
    else if (drawer() && !wanted) drawer().querySelector(`a[rel=${name}]`)?.click();
    else if (!drawer() && !wanted) shown[0]?.click();
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

  document.addEventListener("htmx:beforeRequest", ({ detail }) => {
    if (detail.target.id === "_drawer") wanted = detail.elt.id.replace("row-", "");
  });

  document.addEventListener("htmx:afterRequest", ({ detail }) => {
    if (detail.elt.id === `row-${wanted}`) wanted = "";
  });

  document.addEventListener("htmx:afterSettle", ({ detail }) => {
    if (detail.target.id === "_drawer") show();
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

  narrow.addEventListener("change", cover);
  if (drawer()) show();
})();
