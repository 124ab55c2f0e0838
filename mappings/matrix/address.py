"""A matrix's address: what it shows and how, read from the query string and written back into links and forms."""

from __future__ import annotations

from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, field, replace
from typing import TypeVar
from urllib.parse import urlencode

from django.http import Http404, QueryDict
from django.urls import reverse

from alignadmin.parsing import text_in
from connectors.catalogue.project_keys import project_of
from connectors.models import Connector, Project
from connectors.ports.requests import connector_or_404
from mappings.edits.matrix_scope import OURS, SHARED, MatrixScope
from mappings.engine.families import FAMILIES, family_of
from mappings.engine.matrix import FILTERS
from mappings.engine.values import Direction, Kind, TypeName

Choice = TypeVar("Choice", Kind, TypeName)
BOTH = "both"
DIRECTIONS = {
    BOTH: "Both ways",
    Direction.JIRA_TO_ALIGN.value: "Jira → Align",
    Direction.ALIGN_TO_JIRA.value: "Align → Jira",
}


@dataclass(frozen=True, kw_only=True)
class Link:
    label: str
    href: str
    current: bool = False
    disabled: str = ""  # why it cannot be followed
    count: int | None = None


@dataclass(frozen=True, kw_only=True)
class MatrixAddress:
    connector: Connector
    project: Project | None = None
    shared_ours: bool = False  # without a project: what the company-managed projects of ours share
    former: bool = False  # of a project that was ours: its lists of ours, to be looked at
    kind: Kind = Kind.STATE
    work_item_type: TypeName = TypeName.STORY
    direction: str = BOTH
    view: str = "grid"
    only: frozenset[str] = field(default_factory=frozenset)  # of FILTERS: toggles and kinds of problems
    q: str = ""

    @property
    def shown(self) -> MatrixScope:
        return MatrixScope(self.kind, self.work_item_type, self.project, self.is_ours)

    @property
    def is_ours(self) -> bool:
        """What is shown is kept here, and Align has no part in it."""
        return self.former or (self.project.is_ours if self.project else self.shared_ours)

    @property
    def scope_key(self) -> str:
        return self.shown.scope_key

    def draws(self, direction: Direction) -> bool:
        return self.direction in (BOTH, direction.value)

    def refusal(self, direction: Direction) -> str:
        """Why mappings of this direction cannot be made here; empty when they can."""
        if not family_of(self.kind, direction).knows(self.work_item_type):
            return type_refusal(self.kind, direction, self.work_item_type)
        if direction is Direction.ALIGN_TO_JIRA and self.project is None:
            return "From Align to Jira each project has its own mappings: choose a project."
        return ""

    @property
    def fields(self) -> list[tuple[str, str]]:
        """What is not as by default, as form fields and query."""
        pairs = [
            ("kind", self.kind.value if self.kind is not Kind.STATE else ""),
            ("type", self.work_item_type.value if self.work_item_type is not TypeName.STORY else ""),
            ("scope", "" if self.scope_key == SHARED else self.scope_key),
            ("of", OURS if self.former else ""),
            ("direction", self.direction if self.direction != BOTH else ""),
            ("view", self.view if self.view != "grid" else ""),
            *(("only", each) for each in sorted(self.only)),
            ("q", self.q),
        ]
        return [(name, value) for name, value in pairs if value]

    @property
    def query(self) -> str:
        return urlencode(self.fields)

    @property
    def url(self) -> str:
        path = reverse("matrix", args=[self.connector.slug])
        return f"{path}?{self.query}" if self.query else path

    def but(self, **changes: object) -> MatrixAddress:
        return replace(self, **changes)  # type: ignore[arg-type]

    def toggled(self, toggle: str) -> MatrixAddress:
        return self.but(only=self.only ^ {str(toggle)})

    def of_kind(self, code: str) -> MatrixAddress:
        """All rows with this kind of problem, and no others: a group's number is theirs."""
        return self.but(only=frozenset({code}), q="")


def type_refusal(kind: Kind, direction: Direction, type_: TypeName) -> str:
    what = "states" if kind is Kind.STATE else "process steps"
    plural = "stories" if type_ is TypeName.STORY else f"{type_.value}s"
    if direction is Direction.ALIGN_TO_JIRA:
        return f"Align does not send {plural}' {what} to Jira."
    return f"Align takes no {what} for {plural} from Jira."


def requested_address(slug: str, data: QueryDict | MappingOf[str, str]) -> MatrixAddress:
    """With its connector, that of a present project by one query. Unknown ones are a 404, as in `read_address`."""
    named = Project.objects.select_related("connector").filter(connector__slug=slug, vanished_at=None)
    key = text_in(data, "scope")
    project = named.filter(key=key).first() if key and key not in (SHARED, OURS) else None
    return _read(project.connector, project, data) if project else read_address(connector_or_404(slug), data)


def read_address(connector: Connector, data: QueryDict | MappingOf[str, str]) -> MatrixAddress:
    """Unknown values fall back to the default; an unknown project is a 404. A project is found by a former key, too."""
    return _read(connector, _project(connector, text_in(data, "scope")), data)


def _read(connector: Connector, project: Project | None, data: QueryDict | MappingOf[str, str]) -> MatrixAddress:
    return MatrixAddress(
        connector=connector,
        project=project,
        shared_ours=project is None and text_in(data, "scope") == OURS,
        former=project is not None and not project.is_ours and text_in(data, "of") == OURS,
        kind=_choice(Kind, text_in(data, "kind"), Kind.STATE),
        work_item_type=_choice(TypeName, text_in(data, "type"), TypeName.STORY),
        direction=data.get("direction", BOTH) if data.get("direction", BOTH) in DIRECTIONS else BOTH,
        view="list" if data.get("view") == "list" else "grid",
        only=FILTERS.intersection(_all(data, "only")),
        q=text_in(data, "q")[:200],
    )


def _all(data: QueryDict | MappingOf[str, str], name: str) -> list[str]:
    return [str(each) for each in data.getlist(name)] if isinstance(data, QueryDict) else [data.get(name, "")]


def _choice(type_: type[Choice], value: str | None, default: Choice) -> Choice:
    return type_(value) if value in set(type_) else default


def _project(connector: Connector, key: str | None) -> Project | None:
    if not key or key in (SHARED, OURS):
        return None
    project = project_of(connector, key)
    if project is None:
        raise Http404(f"There is no project {key} in this connector.")
    return project


def address_of(
    connector: Connector, family_code: str, project: Project | None, type_: str, *, is_ours: bool = False
) -> MatrixAddress:
    """The matrix that shows a stored row; a company-managed project's dots are in the shared one."""
    return MatrixAddress(
        connector=connector,
        project=project,
        shared_ours=is_ours and project is None,
        former=is_ours and project is not None and not project.is_ours,
        kind=Kind(family_code.split("-")[1]),
        work_item_type=TypeName(type_),
    )


def cell_url(address: MatrixAddress, *, status: int | None, target: int | None) -> str:
    """The matrix at one status' row; with scripts at the cell, see app.js."""
    cell = {"cell": target} if target is not None else {}
    query = urlencode([*address.fields, *cell.items()])
    path = reverse("matrix", args=[address.connector.slug])
    return f"{path}{'?' if query else ''}{query}{'' if status is None else f'#h{status}'}"


def url_of_cell(
    connector: Connector,
    family_code: str,
    project: Project | None,
    type_: str,
    *,
    source: int,
    value: int | None,
    is_ours: bool = False,
) -> str:
    """The matrix at the cell of a stored row that leads from `source` to `value`."""
    to_align = FAMILIES[family_code].direction is Direction.JIRA_TO_ALIGN
    status, target = (source, value) if to_align else (value, source)
    address = address_of(connector, family_code, project, type_, is_ours=is_ours)
    return cell_url(address, status=status, target=target)
