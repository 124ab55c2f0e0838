/* Around the cells of a matrix: words for what has the focus, its column lit, where the grid scrolls, what is printed.
   Moving and editing are in app.js. One listener each for all cells. */
(() => {
  "use strict";

  const byId = (id) => document.getElementById(id);
  const table = () => document.querySelector("[role=grid]");
  const plain = (node) => node?.textContent.replace(/\s+/g, " ").trim() ?? "";
  const CELL = "[role=grid] tbody td";

  // --- in words ------------------------------------------------------------------------------------------------------

  const headOf = (column) => table().tHead.rows[table().tHead.rows.length - 1].cells[column];
  const tagWords = (tag) => (tag.title ? `${plain(tag)}: ${tag.title}` : plain(tag));
  const rowMarks = (row) => [...row.querySelectorAll("th .notes > *")].map(tagWords);
  const columnMarks = (head) => [...(head?.querySelectorAll(".tag") ?? [])].map((tag) => `column ${plain(tag)}`);
  const described = (cell) => (cell.getAttribute("aria-describedby") ?? "").split(" ").filter((id) => id && id !== "w-p");

  function ownMarks(cell) {
    // The status is the row's, which stands there already: "returns to QA 10015" reads "returns to".
    return described(cell).filter((id) => !id.startsWith("r")).map((id) => plain(byId(id)).replace(/^returns to$/, "the way back comes here"));
  }

  // What a place of the grid is called, and its marks: of the cell itself, and of its row and column.
  function wordsOf(place) {
    const row = place.closest("tbody tr:not(.group)");
    const cell = place.closest(CELL);
    const head = cell ? headOf(cell.cellIndex) : place.closest("thead th[scope=col]:not(.corner)");
    const [ofRow, ofColumn] = [row?.querySelector("th > span"), head?.querySelector("span")];
    return {
      name: [ofRow, ofColumn].filter(Boolean).map(plain).join(" → "),
      row: ofRow?.id,
      column: ofColumn?.id,
      own: cell ? ownMarks(cell) : [],
      ofRow: row ? rowMarks(row) : [],
      ofColumn: columnMarks(head),
    };
  }

  let last = ""; // where the words are of, by its label: an answer draws cells anew, or the whole grid
  const NOWHERE = { name: "", own: [], ofRow: [], ofColumn: [] };
  const labelOf = (place) => {
    const named = place.closest("td, th");
    return named?.getAttribute("aria-labelledby") ?? named?.querySelector("span[id]")?.id ?? "";
  };
  const lastPlace = () => last && (table()?.querySelector(`[aria-labelledby="${last}"]`) ?? byId(last));

  function show(place) {
    const isThere = place && table()?.contains(place);
    const words = isThere ? wordsOf(place) : NOWHERE;
    last = isThere ? labelOf(place) : "";
    if (!byId("told-place")) return words;
    byId("told-place").textContent = words.name;
    byId("told-marks").textContent = [...words.own, ...words.ofRow, ...words.ofColumn].join(" · ");
    return words;
  }

  // A cell's own marks are read out with it, and are said where an edit changes them; those of its row and column are
  // said when one comes to that row or column, though they read as those of the one before, and when they change.
  let heard = NOWHERE;

  function say(words) {
    const same = (...names) => names.every((name) => String(words[name]) === String(heard[name]));
    const news = [
      ...(same("row", "column") && !same("own") ? words.own : []),
      ...(same("row", "ofRow") ? [] : words.ofRow),
      ...(same("column", "ofColumn") ? [] : words.ofColumn),
    ];
    heard = words;
    if (news.length && byId("told-aloud")) byId("told-aloud").replaceChildren(news.join(". "));
  }

  const focused = () => (table()?.contains(document.activeElement) ? document.activeElement : null);

  document.addEventListener("mouseover", ({ target }) => {
    const place = target.closest?.("[role=grid] :is(td, th)");
    if (place) show(place);
    else if (!target.closest?.("#told")) show(focused());
  });

  // --- row and column of the cell in focus ---------------------------------------------------------------------------

  let lit = new Set();
  const columnOf = (column) => [...table().tBodies[0].rows].map((row) => row.cells[column]).filter(Boolean);

  function light(cell) {
    const wanted = new Set(cell ? [cell.parentElement, headOf(cell.cellIndex), ...columnOf(cell.cellIndex)] : []);
    for (const each of lit) if (!wanted.has(each)) each.classList.remove("lit");
    for (const each of wanted) if (!lit.has(each)) each.classList.add("lit");
    lit = wanted;
  }

  // A click sets it for how many projects: said of the cell in focus by the one sentence that stands below the grid.
  function touching(cell) {
    const shared = byId("w-p");
    if (shared?.dataset.shared === undefined) return;
    const ids = [...described(cell), "w-p"].join(" ");
    if (cell.getAttribute("aria-describedby") !== ids) cell.setAttribute("aria-describedby", ids);
  }

  document.addEventListener("focusin", ({ target }) => {
    if (!table()?.contains(target)) {
      heard = NOWHERE;
      return light(null);
    }
    const cell = target.closest(CELL);
    light(cell);
    if (cell === target) touching(cell);
    say(show(target));
  });
  document.addEventListener("focusout", ({ relatedTarget }) => {
    if (!relatedTarget) light(null);
  });

  document.addEventListener("click", (event) => {
    const current = event.target.closest?.("a[href='#to-grid']") && document.querySelector(`${CELL}[tabindex='0']`);
    if (!current) return;
    event.preventDefault();
    // The whole window for the grid: at 200 % it is a low one.
    byId("to-grid").scrollIntoView({ block: "start" });
    current.focus({ preventScroll: true });
    current.scrollIntoView({ block: "nearest", inline: "nearest" });
  });

  // Not by :has() in the stylesheet: each change of a cell would have 9,000 others looked at again.
  const aboveBar = () => byId("told")?.classList.toggle("above-bar", Boolean(document.querySelector("#bar > .bar")));

  // --- where it scrolls sideways -------------------------------------------------------------------------------------

  function scrolls() {
    const box = document.querySelector(".gridwrap");
    const more = byId("more-columns");
    if (!box || !more) return;
    const after = box.scrollWidth - box.clientWidth - box.scrollLeft;
    const width = headOf(1)?.offsetWidth || 1;
    box.parentElement.classList.toggle("before", box.scrollLeft > 1);
    box.parentElement.classList.toggle("after", after > 1);
    more.hidden = box.scrollWidth - box.clientWidth < 2;
    const number = Math.ceil((after - 1) / width);
    more.textContent = after > 1 ? `${number} more column${number === 1 ? "" : "s"} →` : "← Back to the first column";
  }

  let asked = false;

  function soon() {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => { asked = false; scrolls(); });
  }

  document.addEventListener("scroll", ({ target }) => {
    if (target.matches?.(".gridwrap")) soon();
  }, { capture: true, passive: true });
  addEventListener("resize", soon);
  document.addEventListener("click", ({ target }) => {
    if (target.id !== "more-columns") return;
    const box = document.querySelector(".gridwrap");
    const room = box.clientWidth - (table().rows[0].cells[0]?.offsetWidth ?? 0);
    box.scrollBy({ left: box.parentElement.matches(".after") ? room : -box.scrollWidth });
  });

  // --- on paper: the grid as a list ----------------------------------------------------------------------------------

  const nameOf = (id) => plain(byId(id));
  const of = (marks, row) => [...row.querySelectorAll(`td.${marks}`)].map((cell) => nameOf(cell.getAttribute("aria-labelledby").split(" ")[1]));

  // "3 Dev complete (was 2 In progress, not applied yet)", or what stands for nothing; `mark`: of dots d, of rings r.
  function beforeAndAfter(mark, row, none) {
    const [now, fresh, gone] = [of(mark, row), of(`${mark}n`, row), of(`${mark}w`, row)];
    const text = now.join(", ") || none;
    if (!fresh.length && !gone.length) return text;
    const was = [...now.filter((name) => !fresh.includes(name)), ...gone].join(", ") || "not mapped";
    return `${text} (was ${was}, not applied yet)`;
  }

  // Of a row that was changed elsewhere: what is wanted, was applied and is in Align now, once for all its cells.
  const threeValues = (row) => [...new Set([...row.querySelectorAll("td.e")].map((cell) => cell.title))];

  function printed() {
    document.querySelector(".printlist")?.remove();
    if (!table()) return;
    const list = Object.assign(document.createElement("table"), { className: "data printlist" });
    const line = (parts, kind, section) => {
      const row = section.insertRow();
      for (const part of parts) row.append(Object.assign(document.createElement(kind), { textContent: part }));
    };
    const { press, ringless } = table().dataset;
    const shown = (values) => values.filter((_, place) => place === 0 || (place === 1 ? press !== "a2j" : ringless === undefined));
    const heads = "ours" in table().dataset ? ["counts as, kept here", "is in Jira, kept here"] : ["shows in Align", "returns from Align"];
    line(shown(["Jira status", ...heads]), "th", list.createTHead());
    const body = list.createTBody();
    for (const row of table().tBodies[0].rows) {
      if (row.matches(".group")) {
        line([plain(row)], "th", body);
        body.lastElementChild.firstElementChild.colSpan = 3;
      } else {
        const marks = [...rowMarks(row), ...threeValues(row)].join(" · ");
        const name = plain(row.querySelector("th > span"));
        const shows = beforeAndAfter("d", row, "not mapped");
        const returns = beforeAndAfter("r", row, "");
        line(shown([marks ? `${name} (${marks})` : name, shows, returns]), "td", body);
      }
    }
    document.querySelector(".gridframe").after(list);
  }

  addEventListener("beforeprint", printed);
  matchMedia("print").addEventListener("change", ({ matches }) => matches && printed());

  document.addEventListener("htmx:afterSettle", () => {
    light(document.activeElement?.closest?.(CELL));
    show(lastPlace() || focused());
    if (focused()) say(wordsOf(focused()));
    aboveBar();
    soon();
  });
  aboveBar();
  scrolls();
})();
