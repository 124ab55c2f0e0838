"""The sandbox's table of objects says what Align's documents say, line by line."""

import re
from collections.abc import Iterator

from connectors.sandbox.objects import company, custom_fields
from connectors.sandbox.objects.objects import BY_PATH, OBJECTS
from connectors.sandbox.objects.table import ObjectType
from tests import ROOT

SAMPLES = ROOT / "tests/samples"
# Of the article's collections: no source shows a list of these things.
WITHOUT_A_LIST = {"countryIds", "affectedCountryIds", "communityIds", "impedimentIds", "personaIds", "competitorIds"}
# What public clients read from real sites, by its address.
LISTS = """regions cities programs portfolios products users teams iterations releases releasevehicles themes epics
capabilities features stories tasks defects goals objectives milestones keyresults ideas risks dependencies customers
snapshots costcenters divisions domains anchorsprints customhierarchies workitems capability valuestreams"""


def published() -> Iterator[tuple[str, bool, bool, bool]]:
    """Name, create, read, update of each line of the published table."""
    for line in (SAMPLES / "align_objects.txt").read_text().splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) == 5 and cells[1] in ("Yes", "No"):
            yield cells[0], cells[1] == "Yes", cells[2] == "Yes", cells[3] == "Yes"


def test_each_object_of_the_published_table_has_its_methods() -> None:
    ours = {each.name: (each.creates, True, each.updates) for each in OBJECTS.values() if each.published}
    assert ours == {name: tuple(methods) for name, *methods in published()}
    assert len(ours) == 25
    others = [each for each in OBJECTS.values() if not each.published]
    assert not any(each.creates or each.updates for each in others)


def collections_by_address() -> dict[str, list[str]]:
    """The article's lists, in the order in which they stand: ids and entities below each address."""
    text = (SAMPLES / "align_collections.txt").read_text().partition("by the following endpoints")[2]
    found: dict[str, list[str]] = {}
    names: list[str] = []
    for line in text.splitlines():
        if heading := re.search(r"[:|] (/\w+) \(click", line):
            names = found.setdefault(heading[1], [])
        elif name := re.fullmatch(r"\s*(?:• )?([a-z]\w+)", line):
            names.append(name[1])
    return found


def test_each_address_filters_the_collections_that_the_article_lists() -> None:
    listed = collections_by_address()
    del listed["/loginactivities"]
    for address, names in listed.items():
        described = BY_PATH[address.removeprefix("/")]
        assert [*described.collections, *described.entities] == names, address
    dependency = BY_PATH["dependencies"]
    assert BY_PATH["products"].collections == dependency.collections  # the article's example asks there
    filtered = {BY_PATH[address.removeprefix("/")].key for address in listed} | {"product", "valuestream"}
    assert [each.key for each in OBJECTS.values() if (each.collections or each.entities)] == [
        key for key in OBJECTS if key in filtered and key != "user"
    ]


def test_a_login_has_its_eight_properties() -> None:
    text = (SAMPLES / "align_collections.txt").read_text()
    named = re.findall(r"• ([A-Z]\w+)$", text.partition("Login: ")[2], re.MULTILINE)
    assert len(named) == 8
    assert [name.lower() for name in named] == [name.lower() for name in OBJECTS["loginactivity"].fields]


def test_expanding_a_feature_adds_what_the_article_shows() -> None:
    text = (SAMPLES / "align_collections.txt").read_text().partition("Currently,")[0]
    shown = re.findall(r'^"(\w+)"', text, re.MULTILINE)
    feature = OBJECTS["feature"]
    assert len(shown) == 11
    assert [name for name in shown if name not in feature.fields] == list(feature.expands)


def test_each_list_that_public_clients_read_has_an_address() -> None:
    assert set(LISTS.split()) <= set(BY_PATH)


def test_links_lead_to_objects() -> None:
    for described in OBJECTS.values():
        check_links(described)


def check_links(described: ObjectType) -> None:
    assert {each.target for each in described.fields.values() if each.target} <= set(OBJECTS)
    assert {name for name in described.collections if not described.fields[name].target} <= (
        WITHOUT_A_LIST | {"additionalDevelopmentalStepIds", "additionalOperationalStepIds", "testCategoryIds"}
    )
    assert all(described.fields[name].target for name in described.expands.values())
    assert set(described.entities) <= set(described.expands)
    assert described.custom_fields == (described.key in custom_fields.FIELDS)
    assert not described.scope or described.scope in described.fields


def test_custom_fields_are_of_the_objects_that_the_article_names() -> None:
    named = "objective theme epic capability feature story defect task"
    assert set(named.split()) == set(custom_fields.FIELDS)
    assert {each.tab for each in custom_fields.FIELDS["epic"]} == {"Details", "Intake", "Benefits"}
    numbers = [each.number for fields in custom_fields.FIELDS.values() for each in fields]
    assert len(set(numbers)) == len(numbers)


NEVER_NULL = {"id", "uid", "fullName", "createdBy", "createDate", "connectorId", "name", "title"} | {
    "feature.state",
    "board.boardName",
}
# The connector brings features, stories, defects and tasks; what else there is was made in Align.
NEVER_EXTERNAL = {
    f"{key}.{name}"
    for key in ("theme", "epic", "capability", "risk")
    for name in ("externalKey", "externalId", "externalProject", "isExternal")
}


def test_the_small_company_has_five_of_each_and_each_field_with_and_without_a_value() -> None:
    """But for the keys and for what Align always has: these are never null."""
    for key, records in company.data().items():
        described = OBJECTS[key]
        assert len(records) >= 5, key
        for name, field in described.fields.items():
            values = [record[name] for record in records.values()]
            if name != "customFields" and f"{key}.{name}" not in NEVER_EXTERNAL:
                assert any(value not in (None, []) for value in values), f"{key}.{name} has no value"
            if not field.required and name not in NEVER_NULL and f"{key}.{name}" not in NEVER_NULL:
                assert any(value in (None, []) for value in values), f"{key}.{name} is never null"
