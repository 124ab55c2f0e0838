"""The audit entries of acts on configuration."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from alignadmin.audit.entries import Actor, AuditRecord, PersonCopy
from alignadmin.text import first_of
from connectors.models import Connector
from connectors.ports.audited import context_of
from mappings.configuration.subjects import ConfigurationSubject, LineWords
from mappings.engine.configuration import LineChange
from mappings.models import ConfigurationProposal

MOST_NAMED = 3
MOST_KEPT = 500  # lines in the data of one entry; of what is agreed each line has an entry of its own


def draft_record(
    action: str,
    subject: ConfigurationSubject,
    connector: Connector,
    sentence: str,
    *,
    changes: Sequence[LineChange],
    actor: Actor,
) -> AuditRecord:
    return AuditRecord(
        action=action,
        actor=actor,
        author=actor,
        context=context_of(connector),
        subject=f"{subject.label} of {connector.slug}",
        sentence=sentence,
        data={"subject": subject.code, "count": len(changes), "lines": [asdict(each) for each in changes[:MOST_KEPT]]},
    )


def proposal_record(
    action: str,
    subject: ConfigurationSubject,
    proposal: ConfigurationProposal,
    sentence: str,
    *,
    actor: Actor,
    approver: Actor | None = None,
    **data: object,
) -> AuditRecord:
    return AuditRecord(
        action=action,
        actor=actor,
        context=context_of(proposal.connector),
        subject=f"{subject.label} proposal {proposal.pk}",
        sentence=sentence,
        data={"subject": subject.code, "proposal": proposal.pk, "fingerprint": proposal.fingerprint, **data},
        planner=proposal.author,
        approver=approver,
        reason=proposal.reason,
        ticket=proposal.ticket,
    )


def line_record(
    subject: ConfigurationSubject, proposal: ConfigurationProposal, line: Mapping[str, Any], *, approver: Actor
) -> AuditRecord:
    """One line that is agreed on now: who decided on it, who proposed and who approved it."""
    return AuditRecord(
        action="configuration.agreed",
        actor=approver,
        author=PersonCopy(**line["author"]),
        planner=proposal.author,
        approver=approver,
        context=context_of(proposal.connector),
        subject=f"{subject.label}: {line['label']}",
        sentence=f"{subject.label}: {line['label']} is now {line['after_words']}, previously {line['before_words']}.",
        data={
            "subject": subject.code,
            "proposal": proposal.pk,
            "key": line["key"],
            "before": line["before"],
            "after": line["after"],
        },
        project_key=line["project_key"],
        reason=proposal.reason,
        ticket=proposal.ticket,
    )


def named(words: Iterable[LineWords]) -> str:
    """ "Story: Story, Bug (was Story); Task: nothing (was Sub-task)" """
    return first_of([f"{each.label}: {each.after} (was {each.before})" for each in words], MOST_NAMED)
