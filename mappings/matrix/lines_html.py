"""Draws the lines of the two long cards beside the grid, pending edits and problems.

In Python like the grid: each toggle of a cell draws them again, and a template is several times slower.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.urls import reverse
from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString

from alignadmin.web.template_words import ago
from mappings.engine.checks import Problem
from mappings.engine.values import Severity
from mappings.matrix.lines import EditLine
from mappings.matrix.page import MatrixPage

TONES = {Severity.ERROR: " bad", Severity.WARNING: " warn", Severity.INFO: ""}


def hidden_fields(page: MatrixPage, csrf_token: object) -> SafeString:
    """What every form of a matrix sends along, made once for all of them."""
    pairs = [("csrfmiddlewaretoken", str(csrf_token)), *page.address.fields]
    return format_html_join("", '<input type="hidden" name="{}" value="{}">', pairs)


def draw_edits(page: MatrixPage, hidden: SafeString) -> SafeString:
    """The lines of `page.edits`; who may edit takes one back by its button."""
    address = reverse("matrix-drop", args=[page.connector.slug])
    form = format_html('method="post" action="{0}" hx-post="{0}" hx-swap="none"', address) if page.can_edit else None
    return SafeString("".join(_edit(line, form, hidden) for line in page.edits))  # nosec B703  # each is escaped


def _edit(line: EditLine, form: SafeString | None, hidden: SafeString) -> SafeString:
    author = str(line.author) if line.author else ""
    return format_html(
        '<li><span><a href="{href}"><bdi>{source}</bdi></a> → <b><bdi>{after}</bdi></b></span>{form}'
        "<small>was <bdi>{before}</bdi> · {where}<br>{author}, {at}{unused}</small></li>\n",
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
    return format_html(
        '<form {form}{ask}>{hidden}<input type="hidden" name="mapping" value="{mapping}">'
        '<input type="hidden" name="seen" value="{seen}"><button class="btn quiet small">Undo'
        '<span class="sr">: {source} → {after}</span></button></form>',
        form=form,
        ask="" if line.mine else format_html(' data-ask="{}"', question),
        hidden=hidden,
        mapping=line.mapping.pk,
        seen=line.seen,
        source=line.source,
        after=line.after,
    )


def _unused(line: EditLine) -> SafeString:
    why = "project gone" if line.is_gone else "list not in use"
    return format_html('<br><span class="tag warn">{}</span> {}', why, line.unused)


def draw_problems(problems: Sequence[Problem]) -> SafeString:
    return SafeString("".join(map(_problem, problems)))  # nosec B703  # each is escaped


def _problem(problem: Problem) -> str:
    """With a link to its cell, row or column; ids are numbers and need no escaping."""
    status, target = problem.status_id, problem.target_id
    link = ""
    if status is not None:
        go, what = (f' data-go="r{status} t{target}"', "cell") if target is not None else ("", "row")
        link = f' <a href="#h{status}"{go}>Go to {what}<span class="sr"> of status {status}</span></a>'
    elif target is not None:
        link = f' <a href="#t{target}">Go to column<span class="sr"> {target}</span></a>'
    return f'<p class="note{TONES[problem.severity]}">{escape(problem.sentence)}{link}</p>'
