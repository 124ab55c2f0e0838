/* The line of a running job, which asks for itself until it has ended. */
(() => {
  "use strict";

  const LEAVES_WITHIN = 10_000; // milliseconds after which a page that was left is here after all, as after a download
  const SAID = "said"; // in the storage of this tab
  let leaving = false; // another page is on its way, which a reload would take back

  // A running job's line that comes back finished brings what it read onto the page; where somebody is at work there, the
  // line says that it has ended, and leads to the result. What app.js keeps back for later comes with the next answer.
  document.addEventListener("htmx:beforeSwap", ({ detail }) => {
    const then = detail.target?.dataset?.then;
    if (then && detail.shouldSwap && !detail.serverResponse.includes("data-then=")) bringResult();
  });

  function bringResult() {
    if (isAtWork() || leaving) return;
    keepSaid();
    location.reload();
  }

  // What the last act said is on the page once: it is there after the reload, too. As text and links, never as markup.
  function keepSaid() {
    const notes = [...document.querySelectorAll(".said > p")].map((note) => ({
      kind: note.className,
      parts: [...note.childNodes].map((part) => ({ text: part.textContent, href: part.pathname ?? "" })),
    }));
    if (notes.length) sessionStorage.setItem(SAID, JSON.stringify({ page: location.pathname, notes }));
  }

  function showSaid() {
    const kept = JSON.parse(sessionStorage.getItem(SAID) ?? "null");
    sessionStorage.removeItem(SAID);
    if (kept?.page !== location.pathname || document.querySelector(".said")) return;
    const box = Object.assign(document.createElement("div"), { className: "said" });
    for (const { kind, parts } of kept.notes) {
      const note = Object.assign(document.createElement("p"), { className: kind });
      note.append(...parts.map(({ text, href }) => href ? Object.assign(document.createElement("a"), { href, textContent: text }) : text));
      box.append(note);
    }
    document.getElementById("trouble")?.after(box);
  }
  showSaid();

  addEventListener("beforeunload", () => {
    leaving = true;
    setTimeout(() => { leaving = false; }, LEAVES_WITHIN);
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
