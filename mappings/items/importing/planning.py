"""Working an import out: the issues of its scope are read, what they become is set beside what was sent before.

Both clients refuse to write. A worker that takes it over begins anew: nothing is kept before its end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.db import transaction
from django.utils import timezone

from alignadmin.audit import trail
from alignadmin.errors import Refused, SealError
from alignadmin.http.errors import RemoteError
from alignadmin.text import counted
from connectors.credentials import clients
from connectors.jira import JqlRefused
from connectors.jobs.runner import JobFailed, Run
from connectors.models import FieldRow, System
from mappings.engine.import_cost import ImportCost, import_cost
from mappings.engine.import_plan import (
    KnownItem,
    PlannedLine,
    changed_values,
    import_fingerprint,
    import_warnings,
    planned_lines,
)
from mappings.engine.item_prediction import predict
from mappings.engine.items import IssueFacts
from mappings.items.comparing.real_items import RealItems
from mappings.items.importing.entries import import_record
from mappings.items.importing.fingerprint import approved_facts
from mappings.items.importing.stored_values import stored
from mappings.items.prediction.asked import ConfiguredImport, configured_import
from mappings.items.prediction.issues import IssueReading, ParentReading, epic_link_of
from mappings.items.prediction.partners import partners_of, people_asked
from mappings.items.prediction.writable import writes_of
from mappings.models import ImportAct, ImportLine, ImportLineState, ImportRun, ImportState, ItemLink

MOST_ISSUES = 20_000  # of one import
MOST_UNREAD = 20  # sentences that are kept
ROWS_AT_ONCE = 500
UNREAD = "Align's fields were not read yet, so nobody knows which of them it requires. Read them in step 6 first."
STEPS = 4  # of progress


@dataclass(kw_only=True)
class ImportPlanning:
    job: Run
    run: ImportRun
    unread: list[str] = field(default_factory=list)

    def work(self) -> None:
        """Its end is kept in any case: an import that could not be planned says why."""
        try:
            self._plan()
        except (RemoteError, SealError, Refused, JobFailed) as error:
            self._fail(str(error))
            raise JobFailed(str(error)) from error

    def _plan(self) -> None:
        connector, project = self.run.connector, self.run.project
        configured = configured_import(connector, project)
        jira = clients.jira_client(connector, job=self.job.job, on_wait=self.job.waits_for)
        align = clients.align_client(connector, job=self.job.job, on_wait=self.job.waits_for, notes_forbidden=False)
        reading = IssueReading(jira=jira, rules=configured.rules, epic_link=epic_link_of(connector), unread=self.unread)
        issues = self._issues(reading, configured)
        self.job.progress(f"what stands above {counted(len(issues), 'issue')}", done=1, total=STEPS)
        issues, above = ParentReading(reading=reading, project=project, scope=configured.jql).of(issues)
        jira.myself()  # a token that died meanwhile has made us anonymous, and what was answered less
        self.job.progress("who and what Align has of the names in them", done=2, total=STEPS)
        rules = configured.rules.with_partners(partners_of(align, configured.rules, issues))
        self.job.progress("what they become", done=3, total=STEPS)
        known = self._known()
        items = [predict(each, rules, above) for each in issues]
        unlinked = [each for each in items if each.level and each.issue.id not in known]
        self.job.progress("what Align has of them already", done=3, total=STEPS)
        items_there = RealItems(objects=align.objects, project=project, rules=rules, leaves_out_recycled=True)
        real = items_there.beside(unlinked, {})
        there = {
            each.issue.id: found.ids
            for each, found in zip(unlinked, real, strict=True)
            if found.ids and not found.is_recycled
        }
        writes = writes_of(connector)
        lines = planned_lines(items, known, there, writes)
        rows = self._rows(lines, known)
        cost = import_cost(
            ((each.level, each.act) for each in rows),
            issues=len(issues),
            unlinked=Counter(each.level for each in unlinked),
            people=people_asked(configured.rules, issues),
            later=sum(bool(each.later) for each in rows),
        )
        warnings = import_warnings(lines, configured.rules.landing, connector.terminology, writes)
        self._keep(rows, lines, warnings, configured, cost, jira.sent + align.sent)

    def _issues(self, reading: IssueReading, configured: ConfiguredImport) -> list[IssueFacts]:
        self.job.progress("which issues there are", done=0, total=STEPS)
        found: dict[int, IssueFacts] = {}
        try:
            for page in reading.by_jql(configured.jql):
                found |= {each.id: each for each in page}
                self.job.progress(f"{counted(len(found), 'issue')} of Jira read")
                if len(found) > MOST_ISSUES:
                    raise JobFailed(f"More than {MOST_ISSUES:,} issues are in this scope. Narrow it in step 7.")
        except JqlRefused as refused:
            raise JobFailed(f"Jira cannot read the condition of the scope. {refused} Change it in step 7.") from refused
        return list(found.values())

    def _known(self) -> dict[int, KnownItem]:
        rows = ItemLink.objects.filter(connector=self.run.connector)
        return {
            jira_id: KnownItem(align_id=align_id, level=level, sent=sent, sent_at=sent_at)
            for jira_id, align_id, level, sent, sent_at in rows.values_list(
                "jira_id", "align_id", "level", "sent", "sent_at"
            )
        }

    # --- keeping ------------------------------------------------------------------------------------------------------

    def _rows(self, lines: Sequence[PlannedLine], known: Mapping[int, KnownItem]) -> list[ImportLine]:
        items = {jira_id: each.align_id for jira_id, each in known.items() if each.align_id is not None}
        return [_row(self.run, place, line, known.get(line.item.issue.id), items) for place, line in enumerate(lines)]

    def _keep(
        self,
        rows: Sequence[ImportLine],
        lines: Sequence[PlannedLine],
        warnings: list[str],
        configured: ConfiguredImport,
        cost: ImportCost,
        requests: int,
    ) -> None:
        with transaction.atomic():
            self.job.assert_lease()
            run = ImportRun.objects.locked().get(pk=self.run.pk)
            if run.state != ImportState.PLANNING:  # cancelled meanwhile
                return
            ImportLine.objects.bulk_create(rows, batch_size=ROWS_AT_ONCE)
            run.state, run.planned_at = ImportState.DRAFT, timezone.now()
            run.fingerprint = import_fingerprint(self.run.project.jira_id, map(approved_facts, rows))
            run.warnings = warnings
            if not FieldRow.objects.filter(connector=self.run.connector, system=System.ALIGN).exists():
                run.warnings.append(UNREAD)
            run.counts = Counter(code for each in lines for code in {loss.code.value for loss in each.losses})
            run.unread = list(dict.fromkeys(self.unread))[:MOST_UNREAD]
            run.configured = configured.fingerprint
            run.requests, run.cost = cost.total, cost.as_json()
            run.sent_requests = requests
            run.save()
            acts = Counter(ImportAct(each.act).label.lower() for each in rows)
            words = ", ".join(f"{number} {act}" for act, number in sorted(acts.items())) or "no issue"
            self.run.fingerprint = run.fingerprint
            sentence = f"Planned import {run.pk} of {self.run.project.key}: {words}."
            trail.record(import_record("import.planned", self.run, sentence, actor=self.run.author, acts=dict(acts)))

    def _fail(self, why: str) -> None:
        with transaction.atomic():
            self.job.assert_lease()
            own = ImportRun.objects.filter(pk=self.run.pk, state=ImportState.PLANNING)
            if own.update(state=ImportState.FAILED, error=why, finished_at=timezone.now()):
                sentence = f"Import {self.run.pk} of {self.run.project.key} could not be planned: {why}"
                trail.record(import_record("import.failed", self.run, sentence, actor=self.run.author))


def _row(
    run: ImportRun, place: int, line: PlannedLine, known: KnownItem | None, items: Mapping[int, int]
) -> ImportLine:
    issue, parent = line.item.issue, line.item.parent if line.parent_id is not None else None
    act, values = ImportAct(line.act), stored(line.values)
    item = items.get(parent.issue_id) if parent else None  # of Align; None: there is none, or it is made by this import
    if act == ImportAct.UPDATE:
        if parent and item is not None:
            values[parent.field] = item
        values = changed_values(values, known.sent if known else {})
        act = ImportAct.UPDATE if values or (parent and item is None) else ImportAct.NOTHING
    is_sent = act in (ImportAct.CREATE, ImportAct.UPDATE, ImportAct.LINK)
    # An earlier import has sent it and had no answer: it is looked for first.
    is_lost = act == ImportAct.CREATE and known is not None
    state = ImportLineState.PLANNED if is_sent else ImportLineState.DONE
    return ImportLine(
        run=run,
        position=place,
        jira_id=issue.id,
        issue_key=issue.key,
        title=issue.title,
        type_name=issue.type_name,
        level=line.item.level,
        act=act,
        values=values,
        later=stored(line.later),
        parent_id=parent.issue_id if parent and (act == ImportAct.CREATE or item is None) else None,
        parent_key=parent.issue_key if parent else "",
        parent_field=parent.field if parent else "",
        losses=[each.sentence for each in line.losses],
        detail=line.detail,
        align_id=line.align_id if line.align_id is not None else known.align_id if known else None,
        state=ImportLineState.UNKNOWN if is_lost else state,
        sent_at=known.sent_at if known and is_lost else None,
    )
