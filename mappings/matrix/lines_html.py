"""Draws the lines of the two long cards beside the grid, pending edits and problems.

In Python like the grid: each toggle of a cell draws them again, and a template is several times slower.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from django.urls import reverse
from django.utils.html import escape, format_html_join
from django.utils.safestring import SafeString

from alignadmin.web.filled_html import fill_html
from alignadmin.web.template_words import ago
from mappings.engine.checks import Problem
from mappings.engine.problem_groups import ProblemGroup
from mappings.engine.values import Direction, Severity
from mappings.matrix.address import BOTH, Link
from mappings.matrix.lines import EditLine
from mappings.matrix.page import MatrixPage

J2A = Direction.JIRA_TO_ALIGN
MOST_PROBLEMS = 12  # of each kind; its rows are a filter
OOB = SafeString(' hx-swap-oob="true"')
TONES = {Severity.ERROR: " bad", Severity.WARNING: " warn", Severity.INFO: ""}


def hidden_fields(page: MatrixPage, csrf_token: object) -> SafeString:
    """What every form of a matrix sends along, made once for all of them."""
    pairs = [("csrfmiddlewaretoken", str(csrf_token)), *page.address.fields]
    return format_html_join("", '<input type="hidden" name="{}" value="{}">', pairs)


def draw_edits(page: MatrixPage, hidden: SafeString) -> SafeString:
    """The lines of `page.edits`; who may edit takes one back by its button."""
    form = _form(page)
    return SafeString("".join(_edit(line, form, hidden) for line in page.edits))  # nosec B703  # each is escaped


def draw_edited_lines(page: MatrixPage, gone: Iterable[int], new: EditLine | None, hidden: SafeString) -> SafeString:
    """What an edit changes of these lines: those of the mappings `gone` go, the `new` one comes first."""
    parts = [f"<li id=e{mapping_id} hx-swap-oob=delete></li>" for mapping_id in gone]
    if new is not None:
        parts.append(f"<ul hx-swap-oob=afterbegin:#edit-lines>{_edit(new, _form(page), hidden)}</ul>")
    return SafeString("".join([*parts, draw_edit_count(page, oob=True)]))  # nosec B703  # each is escaped


def draw_edit_count(page: MatrixPage, *, oob: bool = False) -> SafeString:
    number = page.edit_count
    return fill_html(
        "<span class='count{}' id=edit-count{}>{}</span>", " hot" if number else "", OOB if oob else "", number
    )


def _form(page: MatrixPage) -> SafeString | None:
    address = reverse("matrix-drop", args=[page.connector.slug])
    return fill_html('method="post" action="{0}" hx-post="{0}" hx-swap="none"', address) if page.can_edit else None


def _edit(line: EditLine, form: SafeString | None, hidden: SafeString) -> SafeString:
    author = str(line.author) if line.author else ""
    return fill_html(
        '<li id=e{mapping}><span><a href="{href}"><bdi>{source}</bdi></a> → <b><bdi>{after}</bdi></b></span>{form}'
        "<small>was <bdi>{before}</bdi> · {where}<br>{author}, {at}{unused}</small></li>\n",
        mapping=line.mapping.pk,
        href=line.href,
        source=line.source,
        after=line.after,
        form=_taking_back(line, form, hidden, author) if form else "",
        before=line.before,
        where=line.where,
        author="you" if line.mine else author or "unknown",
        at=ago(line.at),
        unused=_unused(line) if line.unused else "",
    )


def _taking_back(line: EditLine, form: SafeString, hidden: SafeString, author: str) -> SafeString:
    question = f"This is {author or 'somebody else'}’s edit. Take it out of the draft?"
    return fill_html(
        '<form {form}{ask}>{hidden}<input type="hidden" name="mapping" value="{mapping}">'
        '<input type="hidden" name="seen" value="{seen}"><button class="btn quiet small">Undo'
        '<span class="sr">: {source} → {after}</span></button></form>',
        form=form,
        ask="" if line.mine else fill_html(' data-ask="{}"', question),
        hidden=hidden,
        mapping=line.mapping.pk,
        seen=line.seen,
        source=line.source,
        after=line.after,
    )


def _unused(line: EditLine) -> SafeString:
    why = "project gone" if line.is_gone else "list not in use"
    return fill_html('<br><span class="tag warn">{}</span> {}', why, line.unused)


# --- problems ---------------------------------------------------------------------------------------------------------


def draw_problem_count(page: MatrixPage, *, oob: bool = False) -> SafeString:
    """ "289 statuses and 3 states": as many rows as the toggle "only problems" says."""
    return fill_html(
        "<span class=count id=problem-count{}>{}</span>",
        OOB if oob else "",
        page.problem_places.words(page.address.kind) or "none",
    )


def draw_problem_groups(page: MatrixPage) -> SafeString:
    """What is wrong, the worst first, then what is good to know."""
    groups = page.problem_groups
    wrong = [draw_problem_group(page, each) for each in groups if each.severity is not Severity.INFO]
    known = [draw_problem_group(page, each) for each in groups if each.severity is Severity.INFO]
    heading = ["<h3>Good to know</h3>"] if known else []
    return SafeString("".join([*wrong, *heading, *known]))  # nosec B703  # each is escaped


def draw_problem_group(page: MatrixPage, group: ProblemGroup, *, oob: bool = False) -> SafeString:
    """One line with its number, its rows and its mend; it opens to the first problems. A code is no text of others."""
    code, left = group.code, len(group.problems) - MOST_PROBLEMS
    more = f"<li class=muted>and {left} more</li>" if left > 0 else ""
    links = "".join(_mend(link, group.title) for link in _mends(page, group))
    problems = "".join(map(_problem, group.problems[:MOST_PROBLEMS]))
    html = (
        f'<div class="kind{TONES[group.severity]}" id=kind-{code}{OOB if oob else ""}>'
        f"<details id=of-{code}><summary>{group.title}</summary><ul>{problems}{more}</ul></details>{links}</div>\n"
    )
    return SafeString(html)  # nosec B703  # titles are words and numbers, sentences are escaped


def _mend(link: Link, title: str) -> str:
    return f'<a href="{escape(link.href)}">{link.label}<span class=sr>: {title}</span></a>'


def _mends(page: MatrixPage, group: ProblemGroup) -> Iterator[Link]:
    """Which rows they are, and where this kind can be mended for many at once."""
    address, code = page.address, group.code
    if address.only == {code}:
        yield Link(label="show all", href=address.but(only=frozenset(), q="").url)
    elif group.places.rows:
        shown = address.of_kind(code)
        # The list of ways back has a line for each target: there is nothing in it that rows are filtered from.
        has_rows = address.view == "grid" or address.draws(J2A)
        yield Link(label="show", href=(shown if has_rows else shown.but(direction=BOTH)).url)
    if code == "unrecognised":
        contract = reverse("connector-contract", args=[page.connector.slug])
        yield Link(label="choose type ids", href=f"{contract}#type-ids")
    elif code == "duplicate-remote":
        if page.can_edit and page.has_duplicates:
            yield Link(label="choose which stays", href="#duplicates")
    elif address.view == "grid" and _is_editable(page, group):
        yield Link(label="edit", href=address.of_kind(code).but(view="list", direction=BOTH).url)


def _is_editable(page: MatrixPage, group: ProblemGroup) -> bool:
    """In the list view, as far as mappings of this direction can be made here."""
    if page.locked or group.severity is Severity.INFO or not group.places.rows:
        return False
    directions = {each.direction for each in group.problems if each.direction is not None}
    return any(not page.address.refusal(direction) for direction in directions)


def _problem(problem: Problem) -> str:
    """With a link to its cell, row or column; ids are numbers and need no escaping."""
    status, target = problem.status_id, problem.target_id
    link = ""
    if status is not None:
        go, what = (f' data-go="r{status} t{target}"', "cell") if target is not None else ("", "row")
        link = f' <a href="#h{status}"{go}>Go to {what}<span class="sr"> of status {status}</span></a>'
    elif target is not None:
        link = f' <a href="#t{target}">Go to column<span class="sr"> {target}</span></a>'
    return f"<li>{escape(problem.sentence)}{link}</li>"
