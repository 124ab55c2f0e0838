"""The lists that stand beside the objects: their fields, so that one reader serves the options of all lists.

These take names that are no options of a query as well (`ProjectKey`, `$count`): what they do not know, they ignore.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from .families import FAMILIES, RouteFamily
from .messages import Json, invalid
from .objects import answers, query_options
from .objects.table import ObjectType, define
from .objects.ways import ObjectRefusal, Ways
from .options import Options

OPTIONS = ("$filter", "$orderby", "$top", "$skip")
MAY_LACK = "projectKey"  # the one field that a record may lack: a shared mapping has none
HISTORY = "createdBy int\ncreateDate date\nlastUpdatedBy int\nlastUpdatedDate date\nself text"
CONNECTORS = define("connector", "Connector", "connectors", f"name text\ntype text\nurl text\nisActive bool\n{HISTORY}")
PROJECTS = define(
    "project",
    "Project",
    "projects",
    f"errorMessage text\nconnectorId int\nprogramId int\nprojectId int\nprojectKey text\nprojectName text\n{HISTORY}",
)
PRIORITIES = define(
    "priority",
    "Priority",
    "priorities",
    f"connectorId int\nitemTypeId int\njiraPriorityId int\njiraPriorityName text\npriorityId int\n{HISTORY}",
)
AUDIT_LOG = define(
    "auditlog",
    "AuditLog",
    "auditlog",
    "type text\nuser text\ntimestamp date\ndescription text\n"
    "auditTimeStamp date\nuserName text\ndetails text\nentry text",  # of other shapes
)
# Dates that a person reads are texts to a filter.
AUDIT_LOG_OF_PEOPLE = replace(
    AUDIT_LOG, fields={**AUDIT_LOG.fields, "timestamp": replace(AUDIT_LOG.fields["timestamp"], kind="text")}
)


def _mappings(family: RouteFamily) -> ObjectType:
    stem = family.align_stem
    return define(
        family.code,
        "Mapping",
        "mappings",
        "connectorId int\nprojectKey text\nworkItemTypeId int\njiraStatusId int\njiraStatusName text\n"
        f"{stem}Id int\n{stem}Name text\nisActive bool",
    )


MAPPINGS: Mapping[str, ObjectType] = {code: _mappings(family) for code, family in FAMILIES.items()}


def audit_log(shape: str) -> ObjectType:
    return AUDIT_LOG_OF_PEOPLE if shape == "us-dates" else AUDIT_LOG


def page(described: ObjectType, rows: Sequence[Json], query: Mapping[str, str], options: Options) -> list[Json]:
    """The rows that the query's options leave. `query` by lower-case names. Refuses with 400 and the wrong option.

    A field that the rows of this site do not show cannot be asked for; of a list without rows any of them can.
    """
    shown = set(rows[0]) if rows else set(described.fields)
    fields = {name: each for name, each in described.fields.items() if name in shown or name == MAY_LACK}
    there, lacks = replace(described, fields=fields), MAY_LACK in fields and MAY_LACK not in shown
    whole = [{**row, MAY_LACK: None} for row in rows] if lacks else rows
    given = [(name, query[name]) for name in OPTIONS if query.get(name, "").strip()]
    ways = Ways(page_limit=int(options.page_limit), top_over_limit=options.top_over_limit)
    try:
        found = answers.rows(there, whole, query_options.parse(given, there, ways), lambda _: {})
    except ObjectRefusal as refused:
        raise invalid(refused.about or "$", refused.message) from refused
    return [{name: value for name, value in row.items() if name != MAY_LACK} for row in found] if lacks else found
