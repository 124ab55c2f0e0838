"""The contract page: for each family what its lists were seen to answer, what is unknown and why, what has changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from connectors.align.list_reading import PAGE
from connectors.jobs import runner
from connectors.models import ACTIVE, Connector, Job, JobKind
from connectors.ports.extensions import WriteKey
from mappings.contract import choices, facts
from mappings.contract.choices import ChoiceLine
from mappings.contract.decisions import proposed
from mappings.contract.free_keys import proving_keys
from mappings.contract.proposals import Proposal, words_of
from mappings.contract.reading import FIELDS, NAMES, PAGE_LIMIT, POST_ANSWER, TYPE_IDS, TYPE_PROOF
from mappings.edits.key_on_write import PROJECT_KEY
from mappings.edits.reconciling import type_ids_of
from mappings.engine.families import FAMILIES, Family, TypeIds
from mappings.engine.values import Direction, TypeName
from mappings.models import ContractFact, Scope


@dataclass(frozen=True, kw_only=True)
class ContractLine:
    """One fact of one family as the page shows it; without a `fact` it is unknown, and `why` says why."""

    label: str
    published: str
    fact: ContractFact | None
    why: str
    remark: str = ""  # what differs from the published, and what follows
    style: str = ""  # of the remark: a class of the stylesheet

    @property
    def value(self) -> str:
        return facts.words(self.fact.name, self.fact.value) if self.fact else ""

    @property
    def change(self) -> str:
        """What has changed, until somebody has taken note."""
        return facts.change_of(self.fact) if self.fact and self.fact.changed_at else ""


@dataclass(frozen=True, kw_only=True)
class OwnTypeIds:
    """One family's fields; `type_ids` are the type, its label and the id in use."""

    code: str
    title: str
    type_ids: list[tuple[str, str, int]]
    seen: list[int]


@dataclass
class FamilyPart:
    """One family: its lines, and the type ids that may be taken over."""

    connector: Connector
    family: Family
    stored: Mapping[str, ContractFact]
    lists: int
    rows: int

    @property
    def title(self) -> str:
        return facts.title(self.family)

    @cached_property
    def lines(self) -> list[ContractLine]:
        return [self._line(name) for name in (*NAMES, PROJECT_KEY)]

    @property
    def observed(self) -> list[ContractLine]:
        return [line for line in self.lines if line.fact]

    @property
    def unknown(self) -> list[ContractLine]:
        return [line for line in self.lines if not line.fact]

    @cached_property
    def in_use(self) -> TypeIds:
        return self.family.with_type_ids(type_ids_of(self.connector, self.family.code))

    @property
    def words_in_use(self) -> str:
        return words_of(self.in_use)

    @property
    def is_overridden(self) -> bool:
        return self.family.code in self.connector.type_ids

    @cached_property
    def proposals(self) -> list[Proposal]:
        return proposed(self.connector, self.family.code, self.stored.get(TYPE_IDS))

    def _line(self, name: str) -> ContractLine:
        fact = self.stored.get(name)
        remark, style = self._remark(fact) if fact else ("", "")
        return ContractLine(
            label=facts.LABELS[name],
            published=self._published(name),
            fact=fact,
            why="" if fact else self._why_unknown(name),
            remark=remark,
            style=style,
        )

    def _published(self, name: str) -> str:
        return {
            TYPE_IDS: words_of(self.family.type_ids),
            FIELDS: f"at least {', '.join(facts.needed_fields(self.family))}",
            PAGE_LIMIT: f"at most {PAGE}",
            POST_ANSWER: "not said",
            PROJECT_KEY: self._published_key,
            TYPE_PROOF: "the documents contradict themselves",
        }[name]

    @property
    def _published_key(self) -> str:
        if self.family.direction is Direction.JIRA_TO_ALIGN:
            return "?ProjectKey= named for team-managed projects, and left out of the example's POST"
        return "projectKey wanted in the body by the table, and left out of the example"

    def _why_unknown(self, name: str) -> str:
        if name == PROJECT_KEY:
            return "Only a write to a team-managed project shows it; it is sent without the key first."
        if name in (POST_ANSWER, TYPE_PROOF):
            return "Only a create shows it: agree to one below."
        if not self.lists:
            return "There is no list of it."
        if name == PAGE_LIMIT and TYPE_IDS in self.stored:
            return f"Only a list of more than {PAGE} records shows it; the longest seen has {self.rows}."
        return "No record was seen in any of its lists."

    def _refused(self, fact: ContractFact) -> str:
        """Of the ids in use, those that a create was refused for."""
        now = {type_.value: id_ for type_, id_ in self.in_use.items()}
        proofs = fact.value.items()
        refused = {TypeName(t): p["id"] for t, p in proofs if not p["taken"] and now.get(t) == p["id"]}
        return words_of(refused)

    def _remark(self, fact: ContractFact) -> tuple[str, str]:
        if fact.name == TYPE_PROOF and (refused := self._refused(fact)):
            return f"Align refuses {refused}: choose other type ids.", "bad"
        if fact.name == TYPE_IDS:
            strange = sorted(set(fact.value) - set(self.in_use.values()))
            if strange:
                return f"{', '.join(map(str, strange))}: no type is known for it; such records are left alone.", "bad"
        if missing := facts.missing_fields(fact):
            return f"Without {', '.join(missing)} its lists cannot be read.", "bad"
        if fact.name == PAGE_LIMIT and fact.value < PAGE:
            return f"Lists are read {fact.value} records at a time.", "warn"
        if fact.name == PAGE_LIMIT and fact.value > PAGE:
            return f"Lists are read {PAGE} records at a time, which is right in either case.", ""
        return "", ""


@dataclass
class ContractPage:
    connector: Connector

    @cached_property
    def families(self) -> list[FamilyPart]:
        stored: dict[str, dict[str, ContractFact]] = {}
        for fact in ContractFact.objects.filter(connector=self.connector):
            stored.setdefault(fact.family, {})[fact.name] = fact
        sizes: dict[str, list[int]] = {}
        for code, rows in Scope.objects.filter(connector=self.connector, is_ours=False).values_list("family", "rows"):
            sizes.setdefault(code, []).append(rows)
        return [
            FamilyPart(
                connector=self.connector,
                family=family,
                stored=stored.get(code, {}),
                lists=len(sizes.get(code, [])),
                rows=max(sizes.get(code, []), default=0),
            )
            for code, family in FAMILIES.items()
        ]

    @cached_property
    def choices(self) -> list[ChoiceLine]:
        return choices.lines(self.connector)

    @property
    def own_fields(self) -> list[OwnTypeIds]:
        """For the choice of own ids: those in use, and as suggestions what was seen in the family's lists."""
        seen, current = choices.facts_about(self.connector), choices.in_use(self.connector)
        return [
            OwnTypeIds(
                code=code,
                title=facts.title(family),
                type_ids=[(type_.value, type_.label, id_) for type_, id_ in current[code].items()],
                seen=seen.get(code, []),
            )
            for code, family in FAMILIES.items()
        ]

    @cached_property
    def changed(self) -> list[ContractFact]:
        return facts.unacknowledged(self.connector.slug)

    @property
    def change_lines(self) -> list[tuple[ContractFact, str]]:
        return [(fact, facts.change_of(fact)) for fact in self.changed]

    @cached_property
    def job(self) -> Job | None:
        return runner.latest(self.connector, JobKind.CONTRACT)

    @property
    def is_observing(self) -> bool:
        return self.job is not None and self.job.state in ACTIVE

    @cached_property
    def write_keys(self) -> list[WriteKey]:
        return proving_keys(self.connector)
