"""A matrix as a browser has it: the pieces of its page, and what the answer to an edit does with them.

Pieces are compared as text, without what belongs to the moment: the form's token, "2 s ago", how many issues there are.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

CELL = re.compile(r'<td role=gridcell [^>]*aria-labelledby="(r\d+ t\d+)".*?</td>')
ROW = re.compile(r"<tr role=row aria-rowindex=\d+><th scope=row id=h(\d+).*?</tr>", re.DOTALL)
HEADER = re.compile(r"<th scope=row id=(h\d+).*?</th>", re.DOTALL)
CARD = re.compile(r'<section class="card" id="(edits|problems|flow)".*?</section>', re.DOTALL)
SIDEBAR = re.compile(r'<aside class="side-stack" id="(sidebar)".*?</aside>', re.DOTALL)
LINES = re.compile(r'<div [^>]*?id="(rings|toggles)".*?</div>', re.DOTALL)
KIND = re.compile(r'<div class="kind[^"]*" id=(kind-[\w-]+).*?</div>', re.DOTALL)
NUMBER = re.compile(r"<span class=count id=(problem-count).*?</span>")
EDIT_LINES = '<ul class="edits" id="edit-lines">'
LINE_GONE = re.compile(r"<li id=(e\d+) hx-swap-oob=delete></li>")
NEW_LINES = re.compile(r"<ul hx-swap-oob=afterbegin:#edit-lines>(.*?)</ul>", re.DOTALL)
OF_EDITS = re.compile(
    r"<(?:span class='count[^']*'|p class=\"muted\") id=\"?(edit-count|more-edits)\"?.*?</(?:span|p)>", re.DOTALL
)
BAR = re.compile(r'<div id="(bar)".*?\n</div>', re.DOTALL)
OF_THE_MOMENT = re.compile(
    r' hx-swap-oob="?true"?|(?<=name="csrfmiddlewaretoken" value=")[^"]*|<time .*?</time>|<span class=.in-use.*?</span>'
)


def with_cells_named(html: str) -> str:
    """As app.js names the empty cells of a page: by their row, too."""

    def named(row: re.Match[str]) -> str:
        return row[0].replace('aria-labelledby="t', f'aria-labelledby="r{row[1]} t')

    return ROW.sub(named, html)


@dataclass(frozen=True)
class EditedLines:
    """Of the card of pending edits: lines that go, those that come first, and by id what is put in another's place."""

    gone: tuple[str, ...]
    new: str
    others: dict[str, str]

    @classmethod
    def of(cls, plain: str) -> EditedLines:
        others = {found[1]: found[0] for found in OF_EDITS.finditer(plain)}
        return cls(tuple(LINE_GONE.findall(plain)), "".join(NEW_LINES.findall(plain)), others)

    def put_into(self, card: str) -> str:
        for name in self.gone:
            card = re.sub(rf"<li id={name}>.*?</li>\n", "", card, flags=re.DOTALL)
        card = card.replace(EDIT_LINES, EDIT_LINES + self.new)
        return OF_EDITS.sub(lambda found: self.others.get(found[1], found[0]), card)


@dataclass
class MatrixPieces:
    """By name: cells, row headers, and the parts beside the grid."""

    grid: dict[str, str] = field(default_factory=dict)
    beside: dict[str, str] = field(default_factory=dict)
    edits: EditedLines | None = None  # where the answer to an edit has not the whole card
    others: str = ""  # of the sidebar, without the cards that are parts of their own

    @classmethod
    def of(cls, html: str) -> MatrixPieces:
        plain = with_cells_named(OF_THE_MOMENT.sub("", html))
        grid = {found[1]: found[0] for pattern in (CELL, HEADER) for found in pattern.finditer(plain)}
        parts = (CARD, LINES, BAR, KIND, NUMBER)
        beside = {found[1]: found[0] for pattern in parts for found in pattern.finditer(plain)}
        if "problems" in beside:  # of those that come alone, which there are and in which order
            beside["problems"] = NUMBER.sub("", KIND.sub(r"\1", beside["problems"]))
        sidebar = SIDEBAR.search(plain)
        edits = None if "edits" in beside else EditedLines.of(plain)
        return cls(grid=grid, beside=beside, edits=edits, others=CARD.sub("", sidebar[0]) if sidebar else "")

    @property
    def headers(self) -> dict[str, str]:
        """What app.js sends with an edit."""
        said = re.search(r'data-beside="([\w-]+)"', self.beside["bar"])
        return {"HX-Request": "true", "X-Beside": said[1] if said else ""}

    def swap(self, answer: MatrixPieces) -> None:
        """As htmx and app.js do: what the page has is replaced, and what it lacks is left out."""
        self.grid |= {name: html for name, html in answer.grid.items() if name in self.grid}
        if "problems" in answer.beside:  # the whole card, with the kinds that there are now
            self.beside = {name: html for name, html in self.beside.items() if not name.startswith("kind-")}
        self.beside |= answer.beside
        if answer.edits:
            self.beside["edits"] = answer.edits.put_into(self.beside["edits"])
        self.others = answer.others or self.others

    def differences(self, drawn_anew: MatrixPieces) -> list[str]:
        """Where this page says something else than one that is drawn anew, as far as both have it."""
        found = [name for name, html in drawn_anew.grid.items() if self.grid.get(name, html) != html]
        found += [name for name, html in self.grid.items() if name not in drawn_anew.grid and _is_marked(name, html)]
        found += [name for name, html in drawn_anew.beside.items() if self.beside[name] != html]
        return [*found, *(["sidebar"] if self.others != drawn_anew.others else [])]


def _is_marked(name: str, html: str) -> bool:
    """Of a row or column that is no longer there: whether it still shows a mapping."""
    return name.startswith("r") and "class=" in html
