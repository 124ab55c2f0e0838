"""The table of objects says what Align's documents say: its own table of methods, and the article's lists."""

from __future__ import annotations

import json
import re

import pytest

from connectors.align.objects import OBJECTS, AlignObject, FieldType, NamedBy, enlarged, object_at
from connectors.align.query import AlignQuery, Q
from tests import ROOT

# As it is published: Object | Create (Post) | Read (Get) | Update (Put or Patch).
METHODS = """
Theme | Yes | Yes | Yes |
Epic | Yes | Yes | Yes |
Capability | Yes | Yes | Yes |
Feature | Yes | Yes | Yes |
Story | Yes | Yes | Yes |
Task | Yes | Yes | Yes |
Defect | Yes | Yes | Yes |
Risk | Yes | Yes | Yes |
Goals | Yes | Yes | Yes |
Objectives | Yes | Yes | Yes |
Key Results | Yes | Yes | Yes |
Portfolio | Yes | Yes | No |
Program | Yes | Yes | Yes |
Team | Yes | Yes | Yes |
User | Yes | Yes | Yes |
Release (Program Increment) | Yes | Yes | Yes |
Release Vehicles | Yes | Yes | Yes |
Iteration (Sprint) | Yes | Yes | Yes |
Product | Yes | Yes | Yes |
Snapshots | Yes | Yes | Yes |
Value Streams (Process Flows) | Yes | Yes | No |
Customer | Yes | Yes | No |
Region | Yes | Yes | Yes |
City | Yes | Yes | Yes |
Ideation (Ideas) | Yes | Yes | No |
"""
# As the article lists them: address, lists of ids, entities.
LISTS = """
/features: additionalProgramIds additionalDevelopmentalStepIds additionalOperationalStepIds releaseVehicleIds
    productObjectiveIds countryIds testCategoryIds; releaseVehicles additionalPrograms
/epics: releaseIds additionalProgramIds additionalDevelopmentalStepIds additionalOperationalStepIds;
    releases additionalPrograms
/capabilities: releaseIds additionalProgramIds affectedCountryIds; releases additionalPrograms
/users: ;
/teams: communityIds;
/stories: releaseVehicleIds;
/defects: releaseVehicleIds;
/releases: programIds productIds regionIds anchorSprintIds; programs products regions
/milestones: programIds releaseIds epicIds capabilityIds featureIds impedimentIds riskIds dependencyIds;
/dependencies: personaIds competitorIds roadmapSnapshotIds;
/products: personaIds competitorIds roadmapSnapshotIds;
/theme: programIds releaseIds; programs releases
/releasevehicles: teamIds programIds storyIds;
"""
CUSTOM_FIELDS = "Objectives, themes, epics, capabilities, features, stories, defects, and tasks"
LOGIN = "Id Description UserId LoginTimeUtc RpmType Action RealUserUid Ip"
EXPANDED = "releaseVehicles program additionalPrograms release owner parentCapability product"  # of /features


def test_each_method_is_as_published_and_nothing_else_can_be_written() -> None:
    published = {}
    for line in METHODS.strip().splitlines():
        name, *answers, _ = (cell.strip() for cell in line.split("|"))
        published[name] = [answer == "Yes" for answer in answers]
    table = {
        each.name: [each.creates, True, each.updates] for each in OBJECTS.values() if each.named_by is NamedBy.TABLE
    }
    assert table == published
    assert not any(each.creates or each.updates for each in OBJECTS.values() if each.named_by is not NamedBy.TABLE)


def test_the_lists_that_can_be_filtered_are_those_of_the_article_and_no_other() -> None:
    published = {}
    for line in LISTS.strip().replace("\n    ", " ").splitlines():
        path, _, lists = line.partition(":")
        asked = object_at(path)
        assert asked is not None, path
        listed, _, expanded = lists.partition(";")
        published[asked.key] = (listed.split(), expanded.split())
    for each in OBJECTS.values():
        ids, entities = published.get(each.key, ([], []))
        assert sorted(each.filterable) == sorted([*ids, *entities]), each.key
        assert all(each.fields[name].type is FieldType.IDS for name in ids)
        assert all(each.entities[name].target in OBJECTS for name in entities)


def test_custom_fields_logins_and_entities_are_as_the_article_has_them() -> None:
    named = [each.plural for each in OBJECTS.values() if each.has_custom_fields]
    words = CUSTOM_FIELDS.lower().replace("and ", "").replace(",", "").split()
    assert sorted(name.lower() for name in named) == sorted(words)
    assert sorted(name.lower() for name in OBJECTS["loginactivity"].fields) == sorted(LOGIN.lower().split())
    assert sorted(OBJECTS["feature"].entities) == sorted(EXPANDED.split())


def test_the_fields_that_the_article_names_are_marked_and_no_others() -> None:
    """Its examples, its lists, the properties of a login, and what it says of a program."""
    named: dict[str, set[str]] = {key: {"id"} for key in OBJECTS}
    named["loginactivity"] |= {OBJECTS["loginactivity"].spelled(name) for name in LOGIN.split()}
    named["program"] |= {"teamDescription", "regionId"}
    for line in LISTS.strip().replace("\n    ", " ").splitlines():
        path, _, lists = line.partition(":")
        asked = object_at(path)
        assert asked is not None
        named[asked.key] |= set(lists.partition(";")[0].split())
    for each in json.loads((ROOT / "tests/samples/align_queries.json").read_text()):
        asked = object_at(each["path"])
        if each["source"] != "example" or asked is None:
            continue
        within = dict(re.findall(r"(\w+)/any\((\w+):", each["query"]))
        for variable, name in re.findall(r"\b(?:(\w)/)?([A-Za-z]\w+)", re.sub(r"'[^']*'", "", each["query"])):
            of = [asked.entity_named(entity) for entity, letter in within.items() if letter == variable]
            owner = OBJECTS[of[0].target] if of and of[0] else asked
            if field := owner.field_named(name):
                named[owner.key].add(field.name)
    generic = {"createDate"}  # of its example year(createdDate), which stands for no object
    for key, asked in OBJECTS.items():
        ours = {name for name, field in asked.fields.items() if field.named_by is NamedBy.ARTICLE}
        assert ours - named[key] == set(), key
        assert named[key] - ours - generic == set(), key


@pytest.mark.parametrize("each", OBJECTS.values(), ids=OBJECTS)
def test_an_object_is_consistent(each: AlignObject) -> None:
    assert OBJECTS[each.key] is each
    assert each.fields["id"].set_by_align
    assert all(field.target in OBJECTS for field in each.fields.values() if field.target)
    assert all(entity.target in OBJECTS for entity in each.entities.values())
    assert set(each.entities).isdisjoint(each.fields)
    assert set(each.fields).issuperset((*each.excluded, *each.also.values()))
    assert all(slip.endswith(".") for slip in each.slips)
    assert object_at(each.path) is each
    assert all(object_at(f"/{spelling.upper()}/") is each for spelling in each.spellings)


def test_both_spellings_of_the_documents_lead_to_one_object() -> None:
    assert object_at("objectives") is object_at("milestones") is OBJECTS["objective"]
    assert object_at("theme") is object_at("themes")
    assert object_at("Capability") is OBJECTS["capability"]
    assert object_at("colours") is None
    epic = OBJECTS["epic"]
    assert epic.field_named("createdDate") is epic.field_named("CREATEDATE") is epic.fields["createDate"]
    assert (epic.spelled("CREATEDDATE"), epic.spelled("CREATEDATE")) == ("createdDate", "createDate")


def test_a_site_may_have_more_fields_than_any_document() -> None:
    theme = OBJECTS["theme"]
    known = {"id": 1, "Title": "T", "self": "x", "customfield_1": 2, "owner": {"id": 2}}
    texts = {"ctext1": "a", "cdate1": "2026-03-01T00:00:00Z", "no": None}
    others = {"allocation": 2.5, "quarterIds": [1], "parts": [{}], "empty": [], "isOdd": False}
    more = enlarged(theme, [{"ctext1": None}, {**known, **texts, **others}, {"ctext1": 5}])
    assert {name: field.type for name, field in more.fields.items() if name not in theme.fields} == {
        "ctext1": FieldType.TEXT,
        "allocation": FieldType.NUMBER,
        "quarterIds": FieldType.IDS,
        "parts": FieldType.PARTS,
        "cdate1": FieldType.DATE,
        "isOdd": FieldType.TRUTH,
    }
    assert enlarged(theme, [{"title": "T"}]) is theme
    assert AlignQuery(asked=more).where(Q("CText1").startswith("a")).text() == "/themes?$filter=startswith(ctext1, 'a')"
