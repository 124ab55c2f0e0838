"""The rows of a run as a table, as CSV and as JSON, and the request behind them for a command line."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urljoin

from alignadmin import csv_safe
from alignadmin.http.address import origin_of
from alignadmin.http.errors import AddressRefused
from connectors.align.answers import API
from connectors.align.custom_fields import flat, option_values
from connectors.align.objects import FieldType
from connectors.align.query import AlignQuery, read_query
from connectors.align.query.request import LINK
from connectors.explorer import rows as stored
from connectors.explorer.fields import usual_columns
from connectors.explorer.operators import states_of
from connectors.explorer.rows import Row
from connectors.explorer.wording import field_label
from connectors.models import QueryRun

LONGEST_CELL = 300  # characters on the page; the files have all
NAMES = ("fullName", "title", "name", "description")  # of an entity that expand has added


@dataclass(frozen=True, kw_only=True)
class ResultColumn:
    name: str
    heading: str


@dataclass(frozen=True, kw_only=True)
class ResultCell:
    text: str
    is_number: bool = False
    is_date: bool = False
    is_cut: bool = False


@dataclass(frozen=True, kw_only=True)
class ResultRow:
    """`link`: the record's own address at the site, where it told one."""

    cells: list[ResultCell]
    link: str


@dataclass(frozen=True)
class RunResult:
    run: QueryRun

    @cached_property
    def query(self) -> AlignQuery:
        return read_query(self.run.query)

    # -- the table -----------------------------------------------------------------------------------------------------

    def columns(self, rows: Sequence[Row], *, all_of_them: bool = False) -> list[ResultColumn]:
        """Those that were chosen; else on the page the usual ones, and in a file all that the rows have."""
        asked = self.query.asked
        if self.query.selected:
            names = [name for name in self.query.selected if name != LINK]
        elif all_of_them:
            names = list(dict.fromkeys(name for row in rows for name in flat(row) if name != LINK))
        else:
            names = [*usual_columns(asked), *self._entities(rows)]
        return [ResultColumn(name=name, heading=self.heading(name, in_words=not all_of_them)) for name in names]

    def _entities(self, rows: Sequence[Row]) -> list[str]:
        return [name for name in self.query.asked.entities if self.query.expanded and any(name in row for row in rows)]

    def heading(self, name: str, *, in_words: bool) -> str:
        """A custom field by its label; in a file the others as Align names them."""
        field = self.query.asked.field_named(name)
        if field is not None and in_words:
            return f"{field_label(field)} (UTC)" if field.type is FieldType.DATE else field_label(field)
        if field is not None:
            return name
        return str(self.run.labels.get(name.lower(), name))

    def table(self, rows: Sequence[Row], columns: Sequence[ResultColumn]) -> list[ResultRow]:
        return [
            ResultRow(cells=[self._cell(row, column.name) for column in columns], link=self.link_of(row))
            for row in rows
        ]

    def _cell(self, row: Row, name: str) -> ResultCell:
        value, field = value_in(row, name), self.query.asked.field_named(name)
        if field and field.type is FieldType.DATE and isinstance(value, str):
            return ResultCell(text=value[:16].replace("T", " "), is_date=True)
        state = states_of(self.query.asked, field).get(value) if field and isinstance(value, int) else None
        return _cell(value) if state is None else ResultCell(text=f"{value} {state}")

    def link_of(self, row: Row) -> str:
        """Only to the connector's own site: an answer may say anything."""
        told = row.get(LINK)
        site = self.run.connector.align_site
        if not isinstance(told, str) or not told:
            return ""
        try:
            address = urljoin(site + "/", told)
            return address if origin_of(address) == origin_of(site) else ""
        except (AddressRefused, ValueError):
            return ""

    # -- files ---------------------------------------------------------------------------------------------------------

    def csv(self) -> Iterator[bytes]:
        """A page at a time. Without a choice of columns they are those of the first page."""
        columns: list[ResultColumn] = []
        for rows in stored.all_of(self.run):
            if not columns:
                columns = self.columns(rows, all_of_them=True)
                yield csv_safe.BYTE_ORDER_MARK + csv_safe.lines([[column.heading for column in columns]])
            yield csv_safe.lines([[shown(value_in(row, column.name)) for column in columns] for row in rows])

    def json(self) -> Iterator[bytes]:
        """One array, as Align answered it."""
        before = b"[\n"
        for rows in stored.all_of(self.run):
            for row in rows:
                yield before + json.dumps(row, ensure_ascii=False).encode("utf-8", "replace")
                before = b",\n"
        yield b"\n]\n" if before != b"[\n" else b"[]\n"

    # -- the request ---------------------------------------------------------------------------------------------------

    @property
    def curl(self) -> str:
        return curl(self.run.connector.align_site, self.run.connector.align_connector_id, self.query)


def curl(site: str, connector_id: int, query: AlignQuery) -> str:
    """For a command line: the token is a variable there, and never stands in the text."""
    below = f"/connectors/{connector_id}" if query.asked.below_connector else ""
    lines = [f"curl --get {shlex.quote(f'{site}{API}{below}/{query.asked.path}')}"]
    lines.append('--header "Authorization: bearer $ALIGN_TOKEN"')
    lines += [f"--data-urlencode {shlex.quote(f'{name}={value}')}" for name, value in query.pairs()]
    return " \\\n  ".join(lines)


# -- values -----------------------------------------------------------------------------------------------------------


def value_in(row: Row, name: str) -> Any:
    if name in row:
        return row[name]
    lowered = {key.lower(): value for key, value in flat(row).items()}
    return lowered.get(name.lower())


def shown(value: Any) -> str:
    """In words for people: options by their value, objects by their name and id."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(shown(each) for each in value)
    if isinstance(value, dict):
        return _object(value)
    return str(value)


def _object(value: dict[str, Any]) -> str:
    name = next((value[each] for each in NAMES if isinstance(value.get(each), str) and value[each]), None)
    if name is not None:
        return f"{name} ({value['id']})" if "id" in value else str(name)
    option = option_values(value)
    return json.dumps(value, ensure_ascii=False) if option is value else shown(option)


def _cell(value: Any) -> ResultCell:
    text = shown(value)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return ResultCell(text=text[:LONGEST_CELL], is_number=is_number, is_cut=len(text) > LONGEST_CELL)
