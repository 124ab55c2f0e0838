/* The keyboard grid, dialogs, and every failure made visible. Pages work without it: the list view is the grid's form. */
(() => {
  "use strict";

  const byId = (id) => document.getElementById(id);

  // --- saying what happened ---------------------------------------------------------------------------------------

  let said = "";

  function say(text) {
    // A region that is polled says the same again and again; only news is read out.
    if (!text || text === said) return;
    said = text;
    byId("live").textContent = text;
  }

  // What a page asks for by itself, again and again: its answer is no answer to what a person did.
  const isPolled = (elt) => Boolean(elt?.getAttribute?.("hx-trigger")?.startsWith("every"));

  function trouble(text, source) {
    const banner = byId("trouble");
    banner.textContent = text;
    banner.toggleAttribute("data-polled", isPolled(source));
    banner.hidden = !text;
    document.querySelectorAll("p.trouble").forEach((old) => old.remove());
    const form = text && source?.closest?.("form:not([hidden]), dialog");
    if (form) form.append(Object.assign(document.createElement("p"), { className: "trouble", textContent: text }));
  }

  const signedOut = (xhr) => new URL(xhr.responseURL || "/", location.href).pathname.startsWith("/accounts/login");
  const isHtml = (xhr) => (xhr.getResponseHeader("Content-Type") || "").startsWith("text/html");

  function sentence(xhr) {
    if (!isHtml(xhr) && xhr.responseText && xhr.responseText.length < 2000) return xhr.responseText;
    if (xhr.status === 403) return "This page has expired: you signed in or out elsewhere. Reload it and try again.";
    if (xhr.status === 404) return "This is no longer there, or your role does not include it. Reload the page.";
    return `AlignAdmin could not answer (error ${xhr.status}). Reload the page to see the current state, then try again.`;
  }

  document.addEventListener("htmx:responseError", ({ detail }) => {
    // An HTML refusal of the grid brings its own sentence along with the cells as they are now.
    if (detail.xhr.status !== 409 || !isHtml(detail.xhr)) trouble(sentence(detail.xhr), detail.elt);
  });
  document.addEventListener("htmx:sendError", ({ detail }) =>
    trouble("AlignAdmin did not answer: the connection failed. Reload the page to see the current state, then try again.", detail.elt));
  document.addEventListener("htmx:timeout", ({ detail }) =>
    trouble(`AlignAdmin did not answer within ${Math.round(detail.xhr.timeout / 1000)} seconds and may still finish. Reload the page before you try again.`, detail.elt));

  // A page that is left open and asks again and again is no activity of a person (alignadmin.site.middleware).
  document.addEventListener("htmx:configRequest", ({ detail }) => {
    if (isPolled(detail.elt)) detail.headers["X-Polling"] = "1";
    if (byId("bar")) detail.headers["X-Beside"] = byId("bar").dataset.beside;
    if (detail.elt.id === "x-query") detail.parameters.caret = detail.elt.selectionStart;
  });

  // A page that watches everything asks nothing while nobody sees it.
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (document.hidden && "whileVisible" in event.detail.elt.dataset) event.preventDefault();
  });

  // Somebody types on while a form is drawn anew for what they changed before: leaving the box asks again, with all of it.
  function isTypedOn({ elt, target, requestConfig }) {
    const box = document.activeElement;
    if (elt.getAttribute("hx-trigger") !== "change" || !box?.matches?.("input, textarea") || !target.contains(box)) return false;
    return !/^(checkbox|radio)$/.test(box.type) && box.value !== (requestConfig.parameters[box.name] ?? "");
  }

  // While a button is pressed, or what was done is under way, nothing is drawn anew by itself: a button that is gone between
  // the press and the release takes no click, and a page that is loaded anew gives up what it has asked for. What was
  // polled in that time is told again by the next answer.
  let isPressed = false;
  let sentBefore = []; // requests, of which some may be under way

  addEventListener("pointerdown", ({ button }) => { isPressed = button === 0; }, true);
  for (const end of ["pointerup", "pointercancel"]) addEventListener(end, () => { isPressed = false; }, true);
  addEventListener("pointermove", ({ buttons }) => { if (!buttons) isPressed = false; }, true); // let go of in a menu of the system
  for (const name of ["keydown", "keyup"]) addEventListener(name, ({ key, type }) => { if (key === " ") isPressed = type === "keydown"; }, true);
  const isUnderWay = ({ readyState }) => readyState !== XMLHttpRequest.UNSENT && readyState !== XMLHttpRequest.DONE;
  document.addEventListener("htmx:beforeSend", ({ detail: { elt, xhr } }) => {
    if (!isPolled(elt)) sentBefore = [...sentBefore.filter(isUnderWay), xhr];
  });

  const comesLater = ({ requestConfig }) => isPolled(requestConfig.elt) && (isPressed || sentBefore.some(isUnderWay));

  // Somebody is in the middle of what refreshes itself: neither their place in it nor how far they have scrolled is lost.
  function isLookedAt({ elt, target }) {
    return "whileVisible" in elt.dataset && target.contains(document.activeElement);
  }

  document.addEventListener("htmx:beforeSwap", ({ detail }) => {
    if (signedOut(detail.xhr)) {
      detail.shouldSwap = false;
      trouble("You have been signed out. Reload the page and sign in again; nothing was sent.", detail.elt);
    } else if (isTypedOn(detail) || isLookedAt(detail) || comesLater(detail)) {
      detail.shouldSwap = false;
    } else if (isHtml(detail.xhr)) {
      if (detail.xhr.status === 409) detail.shouldSwap = true;
      else if (detail.xhr.status < 400 && (!isPolled(detail.requestConfig.elt) || "polled" in byId("trouble").dataset)) trouble("");
      patchCells(detail.serverResponse);
    }
  });

  document.addEventListener("htmx:afterSettle", ({ detail }) => {
    const shown = byId(detail.elt.id) || detail.elt;
    say(shown.dataset?.say ?? shown.querySelector?.("#bar")?.dataset.say);
    enterGrid();
  });

  // What a person has opened stays open, and the focus near, when a polled part is drawn anew.

  const opened = new Set();
  let held = null; // where the focus was: the id of the polled part, and of the row in it

  document.addEventListener("toggle", ({ target }) => {
    if (target.matches?.("details[id]")) opened[target.open ? "add" : "delete"](target.id);
  }, true);
  document.addEventListener("htmx:oobBeforeSwap", ({ detail }) => {
    const at = document.activeElement;
    if (detail.target.contains(at)) held = { part: detail.target.id, row: at.closest("tr[id], details[id]")?.id };
  });
  const reopen = () => {
    for (const id of opened) if (byId(id)) byId(id).open = true;
  };
  document.addEventListener("htmx:oobAfterSwap", reopen);
  document.addEventListener("htmx:afterSwap", ({ detail }) => {
    if (detail.target.id === "_rows") reopen(); // a form that is drawn anew while it is filled in
  });
  document.addEventListener("htmx:afterSettle", () => {
    const lost = held && document.activeElement === document.body;
    const near = lost && (byId(held.row)?.querySelector("a, button, summary") || byId(held.part)?.querySelector("h1[tabindex]"));
    if (near) near.focus({ preventScroll: true });
    held = null;
  });

  // --- asking first, sending once ---------------------------------------------------------------------------------

  const agreed = new WeakSet();
  const sent = new WeakSet();

  document.addEventListener("submit", (event) => {
    const form = event.target;
    const text = event.submitter?.dataset.ask || form.dataset.ask;
    if (text && !agreed.has(form)) {
      event.preventDefault();
      event.stopPropagation();
      ask(text, event.submitter, () => answered(form, event.submitter));
      return;
    }
    agreed.delete(form);
    if (form.method === "dialog" || form.method === "get") return;
    if (sent.has(form)) {
      event.preventDefault();
      event.stopPropagation(); // htmx would send a second click once the first is answered
    }
    sent.add(form);
  }, true);
  document.addEventListener("htmx:afterRequest", ({ detail }) => {
    if (!detail.xhr.getResponseHeader("HX-Redirect")) sent.delete(detail.elt);
  });
  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

  // A part that is polled may be drawn anew while the question stands there.
  const asItIsNow = (button) => (button?.isConnected ? button : byId(button?.id));

  function ask(text, button, yes) {
    const dialog = byId("ask");
    byId("ask-text").textContent = text;
    dialog.returnValue = "no";
    dialog.onclose = () => {
      // The browser gives the focus back to the button, unless that is gone.
      if (button && !button.isConnected) (asItIsNow(button) || document.querySelector("h1[tabindex]"))?.focus();
      if (dialog.returnValue === "yes") yes();
    };
    dialog.showModal();
  }

  function answered(form, button) {
    const now = asItIsNow(button);
    const live = form.isConnected ? form : now?.form;
    if (!live) return trouble("This has changed in the meantime. Check it before you try again.");
    agreed.add(live);
    live.requestSubmit(now);
  }

  document.addEventListener("change", ({ target }) => {
    if (target.matches("[data-submit]")) target.form.requestSubmit();
  });

  // What is asked for in a dialog is drawn into it, and then it opens.
  document.addEventListener("htmx:afterSwap", ({ detail }) => {
    const dialog = byId(detail.target.id)?.closest("dialog[data-opens]");
    if (dialog && !dialog.open) dialog.showModal();
  });

  // --- copying, and completing a typed query ----------------------------------------------------------------------

  document.addEventListener("click", async (event) => {
    const copy = event.target.closest?.("[data-copy]");
    const word = event.target.closest?.("a[data-complete]");
    if (copy) {
      try {
        await navigator.clipboard.writeText(byId(copy.dataset.copy).textContent);
        copy.textContent = "Copied";
        say("Copied.");
      } catch {
        getSelection().selectAllChildren(byId(copy.dataset.copy));
        trouble("The browser does not let this page copy. The text is selected: copy it with the keyboard.");
      }
    } else if (word && byId("x-query")) {
      event.preventDefault();
      const box = byId("x-query");
      const plain = (text) => text.replace(/\s+/g, " ").trim();
      box.focus();
      // What was typed since these words were told is not lost: they are told anew.
      if (plain(box.value) === plain(word.parentElement.dataset.of)) {
        box.value = word.dataset.complete;
        box.setSelectionRange(word.dataset.caret, word.dataset.caret);
      }
      box.dispatchEvent(new Event("input", { bubbles: true }));
    }
  });

  // What may come next is told for the place where somebody types.
  for (const name of ["click", "keyup"]) {
    document.addEventListener(name, ({ target, key }) => {
      const moves = !key || /^(Arrow|Home$|End$)/.test(key);
      if (moves && target.id === "x-query") target.dispatchEvent(new Event("caret"));
    });
  }

  function closeMenus(except) {
    for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(except)) menu.open = false;
  }

  // --- the grid ---------------------------------------------------------------------------------------------------

  const CELL = "[role=grid] tbody td";
  const grid = () => document.querySelector("[role=grid]");
  const labelOf = (cell) => cell.getAttribute("aria-labelledby");
  // A cell has no id. Its label names its row, "r10013 t3"; to look through 9,000 of them takes longer.
  const cellOf = (label) => [...(byId(label.split(" ")[0])?.closest("[role=grid] tr")?.cells ?? [])].find((cell) => labelOf(cell) === label);
  const rowsOf = (table) => [...table.tBodies[0].rows].filter((row) => row.cells.length > 1);
  let here = ""; // the label of the one cell in the tab order

  // An empty cell comes named by its column alone (see mappings/matrix/grid_html.py).
  function nameCells() {
    for (const cell of document.querySelectorAll(`${CELL}[aria-labelledby^=t]`)) {
      cell.setAttribute("aria-labelledby", `${labelOf(cell.parentElement.firstElementChild)} ${labelOf(cell)}`);
    }
  }

  function enterGrid() {
    nameCells();
    const cell = (here && cellOf(here)) || document.querySelector(CELL);
    if (cell) makeCurrent(cell);
  }

  function makeCurrent(cell) {
    const old = here && cellOf(here);
    if (old) old.tabIndex = -1;
    here = labelOf(cell);
    cell.tabIndex = 0;
  }

  function goTo(cell) {
    if (!cell) return;
    makeCurrent(cell);
    cell.focus({ preventScroll: true });
    cell.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  function patchCells(html) {
    if (!html.includes("<table class=changed")) return;
    const box = document.createElement("template");
    box.innerHTML = html;
    const hadFocus = Boolean(document.activeElement?.closest("[role=grid]"));
    for (const fresh of [...box.content.querySelectorAll(".changed :is(td, th)")]) {
      const old = fresh.id ? byId(fresh.id) : cellOf(labelOf(fresh));
      // How many issues there are is no matter of an edit: a header that comes keeps the number that stands there.
      const count = old?.querySelector(".in-use");
      if (count) fresh.querySelector(".in-use").replaceWith(count);
      old?.replaceWith(fresh);
    }
    const cell = here && cellOf(here);
    if (cell) cell.tabIndex = 0;
    if (cell && hadFocus) cell.focus({ preventScroll: true });
  }

  function steps(row, column, rows, key, whole) {
    const last = rows[0].cells.length - 1;
    switch (key) {
      case "ArrowRight": return [row, Math.min(column + 1, last)];
      case "ArrowLeft": return [row, Math.max(column - 1, 1)];
      case "ArrowDown": return [Math.min(row + 1, rows.length - 1), column];
      case "ArrowUp": return [Math.max(row - 1, 0), column];
      case "PageDown": return [Math.min(row + 10, rows.length - 1), column];
      case "PageUp": return [Math.max(row - 10, 0), column];
      case "Home": return [whole ? 0 : row, 1];
      case "End": return [whole ? rows.length - 1 : row, last];
      default: return null;
    }
  }

  document.addEventListener("keydown", (event) => {
    const cell = event.target;
    if (!cell.matches?.(CELL) || event.altKey || event.metaKey) return;
    const rows = rowsOf(grid());
    const next = steps(rows.indexOf(cell.parentElement), cell.cellIndex, rows, event.key, event.ctrlKey);
    if (next) goTo(rows[next[0]]?.cells[next[1]]);
    else if (event.key === " " || event.key === "Enter") toggle(cell, event.shiftKey);
    else if (event.key === "Delete" || event.key === "Backspace") toggle(cell, event.shiftKey, "clear");
    else return;
    event.preventDefault();
  });

  document.addEventListener("click", (event) => {
    closeMenus(event.target);
    const cell = event.target.closest(CELL);
    const jump = event.target.closest("a[data-go]");
    if (cell && event.target.matches(".x")) toggle(cell, true, "clear");
    else if (cell) toggle(cell, event.detail > 0 && event.shiftKey); // without detail: assistive technology clicks
    else if (jump && cellOf(jump.dataset.go)) {
      event.preventDefault();
      goTo(cellOf(jump.dataset.go));
      cellOf(jump.dataset.go).scrollIntoView({ block: "center", inline: "center" });
    }
  });
  document.addEventListener("focusin", (event) => {
    if (event.target.matches?.(CELL)) makeCurrent(event.target);
  });

  let queue = Promise.resolve();

  function toggle(cell, ring, act = "") {
    const { press, ringless, locked } = grid().dataset;
    const direction = ring ? "a2j" : press;
    const why = locked || (direction === "a2j" ? ringless : "");
    makeCurrent(cell);
    if (why) return trouble(why);
    // One after the other, since each says what it saw before.
    queue = queue.then(() => send(labelOf(cell), direction, act)).catch(() => {});
  }

  function send(label, direction, act) {
    const form = byId("cell");
    const cell = cellOf(label);
    if (!cell) return null;
    const [status, target] = label.split(" ").map((part) => part.slice(1));
    const seen = direction === "j2a" ? dotOfRow(cell) : ringOfColumn(target);
    if (act === "clear" && !seen) return null;
    for (const [name, value] of Object.entries({ status, target, to: direction, seen, act })) form.elements[name].value = value;
    cell.setAttribute("aria-busy", "true");
    return htmx.ajax("POST", form.action, { source: form, swap: "none" })
      .finally(() => cellOf(label)?.removeAttribute("aria-busy"));
  }

  function replay(step) {
    // In turn as well: what is taken back may be under way still, and each answer brings the form anew.
    queue = queue.then(() => byId(step) && htmx.ajax("POST", byId(step).action, { source: byId(step), swap: "none" })).catch(() => {});
  }

  function dotOfRow(cell) {
    const dot = cell.parentElement.querySelector("td.d");
    return dot ? labelOf(dot).split(" t")[1] : "";
  }

  function ringOfColumn(target) {
    const pairs = byId("rings").dataset.rings.split(" ").map((pair) => pair.split(":"));
    return pairs.find(([of]) => of === target)?.[1] || "";
  }

  // --- keys of the whole page -------------------------------------------------------------------------------------

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") closeMenus(null);
    if (event.target.closest?.("input, select, textarea, dialog")) return;
    const control = event.ctrlKey || event.metaKey;
    const key = event.key.toLowerCase();
    const redoes = key === "y" || (key === "z" && event.shiftKey);
    const step = control && (redoes ? "redo" : key === "z" && "undo");
    if (step && grid()) replay(step);
    else if (event.key === "/" && !control && byId("q")) byId("q").focus();
    else return;
    event.preventDefault();
  });

  // A link from elsewhere names a row by its anchor, and may name the column beside it.
  const arrived = /^#h(\d+)$/.exec(location.hash);
  const column = new URLSearchParams(location.search).get("cell");
  const wanted = arrived && /^\d+$/.test(column || "") ? `r${arrived[1]} t${column}` : "";
  here = wanted;

  // On a phone the navigation and the tabs scroll sideways.
  for (const each of document.querySelectorAll(".side nav [aria-current], .tabs [aria-current]")) each.scrollIntoView({ block: "nearest", inline: "nearest" });
  enterGrid();
  addEventListener("load", () => { // after the browser itself has gone to the anchor
    if (!wanted || !cellOf(wanted)) return; // that cell is not in this grid: the browser has gone to the row
    goTo(cellOf(wanted));
    cellOf(wanted).scrollIntoView({ block: "center", inline: "center" });
  });
})();
