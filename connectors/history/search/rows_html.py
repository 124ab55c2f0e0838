"""Draws the rows of the history's table in Python: by templates, fifty of them took two thirds of the whole page.

One function draws one cell, or what a cell shares with the drawer and other pages (`connectors/templatetags/
history_words.py` gives templates those). Whatever stands in a row came from people, Jira or Align, so each text goes
through `fill_html`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC
from functools import lru_cache

from django.template.defaultfilters import truncatechars
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.safestring import SafeString

from alignadmin.web.filled_html import fill_html
from alignadmin.web.template_words import moment
from connectors.history.search.action_words import words_of
from connectors.history.search.folding import PlanRows
from connectors.history.verification.row_status import RowStatus, RowStatuses
from connectors.models import Certainty, HistoryRow, Source, WorkItemType

LONGEST = 300  # letters of a name in a row; the drawer and the row's own page have all
NAMED_CANDIDATES = 5  # projects that a line may be of
NOTHING = SafeString("")
VERBS = {"created": "create", "updated": "update", "deleted": "delete"}  # classes of the stylesheet


@dataclass(frozen=True, kw_only=True)
class RowOptions:
    """What the rows of one page share. `selected` is the key of the row in the drawer."""

    statuses: RowStatuses
    own_pages: str  # address that a row's number and a slash are put after, as to `row_address` its number
    row_address: str
    selected: int | None

    @property
    def shows_utc(self) -> bool:
        return timezone.get_current_timezone_name() != "UTC"


def draw_groups(groups: Iterable[PlanRows], options: RowOptions) -> SafeString:
    """A table's body for each group: its newest row, and what folds below it."""
    return _joined(
        fill_html(
            "<tbody>\n{}{}</tbody>\n",
            _row(group.first, options),
            fill_html("{}{}", _fold(group), _joined(_row(row, options, is_more=True) for row in group.more))
            if group.more
            else "",
        )
        for group in groups
    )


def _fold(group: PlanRows) -> SafeString:
    return fill_html(
        '<tr class="folds"><td colspan="6"><details id="more-{number}"{opened}><summary><b>{count} more</b>'
        " of plan {plan}: {summary}</summary></details></td></tr>\n",
        number=group.first.number,
        opened=SafeString(" open") if group.is_open else "",
        count=len(group.more),
        plan=group.first.plan,
        summary=group.summary,
    )


def _row(row: HistoryRow, options: RowOptions, *, is_more: bool = False) -> SafeString:
    return fill_html(
        "<tr{more}{current}>{when}{who}{what}{where}{plan}{source}</tr>\n",
        more=SafeString(' class="more"') if is_more else "",
        current=SafeString(' aria-current="true"') if row.pk == options.selected else "",
        when=_when(row, options),
        who=_who(row),
        what=_what(row),
        where=_where(row),
        plan=fill_html('<td class="plan">{}</td>', plan_and_ticket(row)),
        source=_source(row, options.statuses.of(row)),
    )


# -- the six cells ----------------------------------------------------------------------------------------------------


def _when(row: HistoryRow, options: RowOptions) -> SafeString:
    utc = f"{row.at.astimezone(UTC):%H:%M:%S} UTC"
    return fill_html(
        '<td class="when"><a id="row-{number}" href="{own}{number}/" hx-get="{here}{number}">{at}</a>{utc}</td>',
        number=row.number,
        own=options.own_pages,
        here=options.row_address,
        at=moment(row.at),
        utc=fill_html('<br><small class="muted num">{}</small>', utc) if options.shows_utc else "",
    )


def _who(row: HistoryRow) -> SafeString:
    approver = fill_html('<br><small class="muted">approved by <bdi>{}</bdi></small>', row.approver_name)
    return fill_html(
        '<td class="who"><bdi>{}</bdi>{}</td>',
        row.person_name or "AlignAdmin",
        approver if row.approver_name else "",
    )


def _what(row: HistoryRow) -> SafeString:
    verb, words = VERBS.get(row.action, ""), words_of(row.action)
    act = fill_html('<span class="verb {}">{}</span> ', verb, words)
    if not row.kind:
        return fill_html('<td class="what">{}<br><bdi>{}</bdi></td>', act, _short(row.sentence))
    return fill_html(
        '<td class="what">{act}<span class="nowrap"><bdi>{type}</bdi> {kind}</span> <b><bdi>{object}</bdi></b>{id}<br>'
        '<span class="change">{change}</span> <small class="muted nowrap">· {direction}</small></td>',
        act=act,
        type=type_name(row),
        kind="state" if row.kind == "state" else "process step",
        object=_short(row.object_name),
        id=_number(row.object_id),
        change=before_after(row),
        direction="Jira to Align" if row.direction == "j2a" else "Align to Jira",
    )


def type_name(row: HistoryRow) -> str:
    """Of its mapping, as its connector calls it today; a term of Align's log that nobody knows stays as it is."""
    type_ = row.work_item_type
    if row.connector and type_ in WorkItemType.values:
        return row.connector.terminology.name(type_)
    return type_[:1].upper() + type_[1:]


def _where(row: HistoryRow) -> SafeString:
    connector = row.connector
    name = (
        fill_html('<span class="num nowrap" title="{}">{}</span>', connector.name, connector.config_name)
        if connector
        else ""
    )
    return fill_html('<td class="where">{}{}</td>', name, _where_small(row))


def _where_small(row: HistoryRow) -> SafeString:
    if not row.kind:
        key = fill_html('<br><small class="muted"><bdi>{}</bdi></small>', row.project_key)
        return key if row.project_key else NOTHING
    if row.project_stated:
        return fill_html('<br><small class="muted">{}</small>', project(row))
    among = f"; one of {len(candidates)}" if (candidates := _candidates(row)) else ""
    return fill_html('<br><small class="muted">project not stated by Align{}</small>', among)


def _source(row: HistoryRow, status: RowStatus) -> SafeString:
    return fill_html(
        '<td class="source">{source}<br><span class="num"{title}>{number}</span>'
        ' <small class="muted">{integrity}</small></td>',
        source=source(row),
        title=fill_html(' title="entry {} of the chain"', row.entry_seq) if row.entry_seq else "",
        number=f"#{row.entry_seq}" if row.entry_seq else row.called,
        integrity=_integrity(row, status),
    )


def _integrity(row: HistoryRow, status: RowStatus) -> SafeString | str:
    if status.differs:
        return fill_html('<b class="wrong" title="{}">differs, not trusted</b>', status.differs)
    if status.is_behind_break:
        return SafeString('<b class="wrong">not trusted</b>')
    if status.verified_at:
        checked = timezone.localtime(status.verified_at).strftime("%-d %b %Y %H:%M:%S")
        words = "verified" if row.entry_seq else "mirrored, verified"
        return fill_html('<span title="by the check of {}">{}</span>', checked, words)
    return "chained" if row.entry_seq else "mirrored"


# -- what the drawer and other pages show, too ------------------------------------------------------------------------


def before_after(row: HistoryRow) -> SafeString:
    """What a mapping led to, and what it leads to now."""
    unknown = "not stated" if row.action == "updated" else "not mapped"
    nothing = fill_html('<span class="muted">{}</span>', unknown)
    before: SafeString = nothing
    after: SafeString = nothing
    if row.before_id is not None or row.before_name:
        name = _short(row.before_name)
        before = fill_html('<span class="from"><bdi>{}</bdi></span>{}', name, _number(row.before_id))
    if row.after_id is not None or row.after_name:
        after = fill_html("<b><bdi>{}</bdi></b>{}", _short(row.after_name), _number(row.after_id))
    return fill_html("{} → {}", before, after)


def project(row: HistoryRow) -> SafeString:
    """The project of a mapping as it is called now, or what is known of one that Align did not state."""
    if not row.project_stated:
        return fill_html("project not stated by Align{}", _one_of(_candidates(row)))
    if not row.project_key:
        return SafeString("shared by company-managed projects")
    if not row.project_now:
        return fill_html("<bdi>{}</bdi>", row.project_key)
    then = fill_html('<span class="muted">(then <bdi>{}</bdi>)</span>', row.project_key)
    return fill_html("<bdi>{}</bdi> {}", row.project_now, then)


def _candidates(row: HistoryRow) -> Sequence[str]:
    """A row that somebody altered in the database is still shown, as one that is not to be trusted."""
    return list(map(str, row.candidates)) if isinstance(row.candidates, list) else []


def _one_of(keys: Sequence[str]) -> SafeString:
    if not keys:
        return NOTHING
    more = len(keys) - NAMED_CANDIDATES
    named = fill_html("; may be <bdi>{}</bdi>", ", ".join(keys[:NAMED_CANDIDATES]))
    return fill_html("{} or {} more", named, more) if more > 0 else named


def plan_and_ticket(row: HistoryRow) -> SafeString:
    plan = NOTHING
    if row.plan:
        address = _address_of_plan(row.plan)
        plan = fill_html('<a href="{}">plan {}</a>' if address else "{}plan {}", address, row.plan)
    ticket = fill_html("<br><small><bdi>{}</bdi></small>", row.ticket) if row.ticket else NOTHING
    return plan + ticket


@lru_cache(maxsize=1024)
def _address_of_plan(number: int) -> str:
    """Kept, since finding an address costs 0.1 ms; none for a number that no plan can have."""
    try:
        return reverse("plan", args=[number])
    except NoReverseMatch:
        return ""


def source(row: HistoryRow) -> SafeString:
    """Where a row comes from, and whether Align's log has what was done here."""
    if row.source == Source.OUTSIDE:
        note = SafeString(' <span class="tag warn">no cause here</span>')
    elif not row.parsed:
        note = SafeString(' <span class="tag warn">unparsed</span>')
    elif row.match and row.source == Source.OURS:
        note = fill_html(' <small class="muted">{}</small>', _seen_in_log(row))
    else:
        note = NOTHING
    return fill_html("{}{}", row.get_source_display(), note)


def _seen_in_log(row: HistoryRow) -> SafeString:
    if row.certainty == Certainty.EXACT:
        return SafeString("in Align's log")
    if row.certainty == Certainty.ONE_OF_MANY:
        return fill_html("in Align's log: one of {} identical", row.identical)
    return SafeString("not seen in Align's log yet")


# -- small parts ------------------------------------------------------------------------------------------------------


def _joined(parts: Iterable[SafeString]) -> SafeString:
    return SafeString("".join(parts))  # nosec B703  # each part is escaped


def _number(id_: int | None) -> SafeString:
    return NOTHING if id_ is None else fill_html(' <small class="num muted">{}</small>', id_)


def _short(text: str) -> str:
    """Django's own shortening costs 20 µs also where there is nothing to shorten, as in nearly every row."""
    return text if len(text) <= LONGEST else truncatechars(text, LONGEST)
