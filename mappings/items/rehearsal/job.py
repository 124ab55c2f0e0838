"""The job "rehearsal": reads a sample of a project's issues, works out what they become in Align, and keeps that.

Both clients refuse to write. A worker that takes it over begins anew: nothing is kept before its end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.db import transaction
from django.utils import timezone

from alignadmin.audit import trail
from alignadmin.audit.entries import AuditRecord
from alignadmin.errors import Refused
from alignadmin.text import counted
from connectors.credentials import clients
from connectors.jira import JiraClient, JqlRefused
from connectors.jobs import runner
from connectors.jobs.runner import JobFailed, Run
from connectors.models import JobKind, ProcessStep
from connectors.ports.audited import context_of
from mappings.engine.item_prediction import ItemRules, predict
from mappings.engine.items import IssueFacts, PredictedItem
from mappings.items.comparing.real_items import RealItem, RealItems
from mappings.items.prediction.asked import ConfiguredImport, configured_import
from mappings.items.prediction.issues import IssueReading, ParentReading, epic_link_of, spread
from mappings.items.prediction.partners import partners_of
from mappings.items.rehearsal.lines import rehearsed_issue
from mappings.items.rehearsal.services import forget_older
from mappings.models import Rehearsal, RehearsedIssue

MOST_LOOKED_AT = 500  # issues whose type and status say which are sampled
MOST_UNREAD = 20  # sentences that are kept
STEPS = 5  # of progress
CHANGE_IT = "Change which issues are imported, in step 7 of the set-up."


@runner.handler(JobKind.REHEARSAL)
def rehearse(run: Run) -> None:
    """1. Which issues there are, and some of each type and status. 2. Those whole, and what stands above them.
    3. Who and what Align has of the names in them. 4. What they become. 5. Beside it, what Align has, where it carries
    the project. 6. All of it is kept at once, with an entry.
    """
    found = Rehearsal.objects.select_related("project").filter(job=run.job).first()
    if found is None or found.finished_at is not None:  # ended by a worker that was killed before the job was
        return
    RehearsalRun(run=run, found=found).work()


@dataclass(kw_only=True)
class RehearsalRun:
    run: Run
    found: Rehearsal
    unread: list[str] = field(default_factory=list)

    def work(self) -> None:
        connector, project = self.run.connector, self.found.project
        try:
            configured = configured_import(connector, project)
        except Refused as refused:
            raise JobFailed(f"{refused} {CHANGE_IT}") from refused
        jira = clients.jira_client(connector, job=self.run.job, on_wait=self.run.waits_for)
        # Whether a token may see these objects says nothing of what the connector needs it for.
        align = clients.align_client(connector, job=self.run.job, on_wait=self.run.waits_for, notes_forbidden=False)
        issues, known = self._read(jira, configured)
        self.run.progress("who and what Align has of the names in them", done=2, total=STEPS)
        rules = configured.rules.with_partners(partners_of(align, configured.rules, issues))
        self.run.progress("what they become", done=3, total=STEPS)
        items = [predict(each, rules, known) for each in issues]
        steps = dict(ProcessStep.objects.filter(connector=connector).values_list("align_id", "name"))
        real: list[RealItem] = []
        if self.found.compared:
            self.run.progress("what Align has of them", done=4, total=STEPS)
            there = RealItems(objects=align.objects, project=project, rules=rules, leaves_out_recycled=True)
            real = there.beside(items, steps)
        self.found.fingerprint = configured.fingerprint
        self.found.requests = jira.sent + align.sent
        self._keep(items, rules, steps, real)

    def _read(self, jira: JiraClient, configured: ConfiguredImport) -> tuple[list[IssueFacts], dict[int, IssueFacts]]:
        connector = self.run.connector
        whole = IssueReading(jira=jira, rules=configured.rules, epic_link=epic_link_of(connector), unread=self.unread)
        self.run.progress("which issues there are", done=0, total=STEPS)
        try:
            chosen = self._sample(jira, configured)
        except JqlRefused as refused:
            raise JobFailed(f"Jira cannot read the condition of the scope. {refused} {CHANGE_IT}") from refused
        self.run.progress(f"{counted(len(chosen), 'issue')} of Jira", done=1, total=STEPS)
        by_key = {each.key: each for lot in whole.by_keys(each.key for each in chosen) for each in lot}
        issues = [by_key[each.key] for each in chosen if each.key in by_key]
        found = ParentReading(reading=whole, project=self.found.project, scope=configured.jql).of(issues)
        jira.myself()  # a token that died meanwhile has made us anonymous, and what was answered less
        return found

    def _sample(self, jira: JiraClient, configured: ConfiguredImport) -> list[IssueFacts]:
        seen: list[IssueFacts] = []
        for page in IssueReading(jira=jira, rules=ItemRules(), unread=self.unread).by_jql(configured.jql):
            seen += page
            self.run.progress(done=0)
            if len(seen) >= MOST_LOOKED_AT:
                break
        return spread(seen, self.found.asked)

    def _keep(
        self,
        items: Sequence[PredictedItem],
        rules: ItemRules,
        steps: dict[int, str],
        real: Sequence[RealItem],
    ) -> None:
        found = self.found
        found.issues = len(items)
        found.levels = Counter(each.level for each in items if each.level)
        found.counts = Counter(code for each in items for code in {loss.code.value for loss in each.losses})
        found.found = Counter(each.outcome.value for each in real)
        found.unread = list(dict.fromkeys(self.unread))[:MOST_UNREAD]
        found.finished_at = timezone.now()
        beside: list[RealItem | None] = [*real] or [None] * len(items)
        lines = [
            rehearsed_issue(found, position, item, rules, steps, there)
            for position, (item, there) in enumerate(zip(items, beside, strict=True))
        ]
        with transaction.atomic():
            self.run.assert_lease()
            RehearsedIssue.objects.bulk_create(lines)
            found.save()
            forget_older(found.project)
            self._record(sum(bool(each.losses) for each in items))
        self.run.force_progress(done=STEPS)

    def _record(self, with_losses: int) -> None:
        found, key = self.found, self.found.project.key
        said = f"Rehearsed the import of {key}: {counted(found.issues, 'issue')}, {with_losses} of them with a loss."
        trail.record(
            AuditRecord(
                action="rehearsal.finished",
                actor=found.person,
                context=context_of(self.run.connector),
                subject=f"project {key}",
                sentence=said,
                data={
                    "project": key,
                    "issues": found.issues,
                    "losses": dict(found.counts),
                    "compared": dict(found.found),
                    "requests": found.requests,
                    "fingerprint": found.fingerprint,
                },
            )
        )
