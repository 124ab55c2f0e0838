"""What a read of objects answers: the rows that a query leaves, each with its links, entities and custom fields."""

from collections.abc import Callable, Iterable, Mapping
from operator import itemgetter

from . import custom_fields
from .filter_reader import FilterContext, Lookup, read
from .filter_tokens import QueryError
from .objects import OBJECTS
from .query_options import ObjectQuery
from .table import ObjectRecord, ObjectType, ShownObject
from .ways import ObjectRefusal, Ways

Address = Callable[[str], str]  # the rest of an address below the API's to the whole of it


def rows(
    described: ObjectType, records: Iterable[ObjectRecord], query: ObjectQuery, lookup: Lookup
) -> list[ObjectRecord]:
    """The records of one page: filtered, ordered, then skipped, then cut. Nobody may hold a lock meanwhile."""
    found = list(records)
    if query.filter is not None:
        found = _filtered(described, found, query, lookup)
    # The last key is sorted first: each sort keeps the order of equals, so that earlier keys win.
    for name, descending in reversed(query.order):
        found = _ordered(found, name, descending=descending)
    return found[query.skip : query.skip + query.top]


def _ordered(found: list[ObjectRecord], name: str, *, descending: bool) -> list[ObjectRecord]:
    """Null comes before all values; no source says where."""
    nulls = [row for row in found if row[name] is None]
    values = sorted((row for row in found if row[name] is not None), key=itemgetter(name), reverse=descending)
    return [*values, *nulls] if descending else [*nulls, *values]


def _filtered(
    described: ObjectType, found: list[ObjectRecord], query: ObjectQuery, lookup: Lookup
) -> list[ObjectRecord]:
    around = FilterContext(described=described, expanded=frozenset(query.expand), lookup=lookup)
    try:
        wanted = read(query.filter or "", around)
        return [row for row in found if wanted(row) is True]
    except (QueryError, ArithmeticError, RecursionError) as error:
        why = "The filter is too deep." if isinstance(error, RecursionError) else error
        raise ObjectRefusal(400, f"The query specified in the URI is not valid. {why}", "$filter") from error


def shaped(
    described: ObjectType, record: ObjectRecord, query: ObjectQuery, lookup: Lookup, address: Address, ways: Ways
) -> ShownObject:
    """As it is answered: ids stay where their entities are added."""
    whole = _with_self(described, record, address)
    for name in query.expand:
        whole[name] = _entity(described, record, name, lookup, address)
    if described.custom_fields:
        values = custom_fields.shown(described.key, record)
        if ways.custom_in_record:
            whole.update(values)
        else:
            whole["customFields"] = values
    if query.select is None:
        return whole
    for name in query.select:
        if name not in whole:
            raise ObjectRefusal(400, f"Could not find a property named '{name}' of {described.name}.", "$select")
    return {name: whole[name] for name in query.select}


def _with_self(described: ObjectType, record: ObjectRecord, address: Address) -> ShownObject:
    shown = {name: value for name, value in record.items() if name != custom_fields.KEPT}
    path = f"/connectors/{record['connectorId']}" if described.under_connector else ""
    shown["self"] = address(f"{path}/{described.path}/{record['id']}")
    return shown


def _entity(described: ObjectType, record: ObjectRecord, name: str, lookup: Lookup, address: Address) -> object:
    stored = described.fields[described.expands[name]]
    target, held = OBJECTS[stored.target], lookup(stored.target)
    value = record[stored.name]
    if stored.is_collection:
        return [_with_self(target, held[each], address) for each in value or () if each in held]
    return _with_self(target, held[value], address) if value in held else None


# -- what the reader may see -----------------------------------------------------------------------


def portfolios_of(described: ObjectType, record: ObjectRecord, lookup: Lookup) -> frozenset[int] | None:
    """The portfolios that a record is of; None for what belongs to no portfolio by its nature."""
    if not described.scope:
        return None
    if described.key == "portfolio":
        return frozenset({record["id"]})
    stored = described.fields[described.scope]
    value = record[stored.name]
    found: set[int] = set()
    for each in value if isinstance(value, list) else [value]:
        above = lookup(stored.target).get(each)
        if above is not None:
            found |= portfolios_of(OBJECTS[stored.target], above, lookup) or frozenset()
    return frozenset(found)


def of_portfolio(portfolio: int, lookup: Lookup) -> Lookup:
    """The same records without those of other portfolios, each object's looked through once."""
    seen: dict[str, Mapping[int, ObjectRecord]] = {}

    def visible(key: str) -> Mapping[int, ObjectRecord]:
        if key not in seen:
            described = OBJECTS[key]
            seen[key] = {
                number: record
                for number, record in lookup(key).items()
                if (portfolios := portfolios_of(described, record, lookup)) is None or portfolio in portfolios
            }
        return seen[key]

    return visible
