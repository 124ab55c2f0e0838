"""Ticket formats: templates everywhere, regular expressions where RE2 is installed, none that takes long to check."""

from __future__ import annotations

import random
import re
import subprocess
import sys
import time
from dataclasses import replace
from types import ModuleType

import pytest
from django.test import Client
from django.utils import timezone

from alignadmin.accounts.models import Person, Role
from alignadmin.errors import Refused
from connectors.models import Connector, Status
from mappings.models import Plan, Scope
from mappings.planning import refresh
from mappings.planning.rules import rules_of, set_rules
from mappings.planning.tickets import (
    LONGEST_PATTERN,
    LONGEST_TICKET,
    format_help,
    is_template,
    pattern_trouble,
    ticket_trouble,
)
from tests import ROOT
from tests.conftest import SignIn
from tests.support import factories
from tests.support.mapping_helpers import edit
from tests.support.people_helpers import entries, said

RULES, NEW, PAGE = "/connectors/acme/rules/", "/connectors/acme/plan/", "/connectors/acme/settings/"
IN_REVIEW = 10013
EXPRESSION = r"CHG-\d{4,8}"


@pytest.fixture
def without_re2(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python's own mark of a module that cannot be imported."""
    monkeypatch.setitem(sys.modules, "re2", None)


@pytest.fixture
def acme(bare_connector: Connector) -> Connector:
    Status.objects.create(connector=bare_connector, jira_id=IN_REVIEW, name="In Review", category="doing")
    Scope.objects.create(connector=bare_connector, family="j2a-state", observed_at=timezone.now(), rows=100)
    return bare_connector


def fits(pattern: str, ticket: str) -> bool:
    return ticket_trouble(pattern, ticket) == ""


# --- templates ---------------------------------------------------------------------------------------------------

TEMPLATES = [
    ("CHG-####", ["CHG-2291"], ["CHG-229", "CHG-22911", "chg-2291", "CHG-229A", "CHG-####", "CHG-2291\n"]),
    ("CHG-####+", ["CHG-2291", "CHG-229100"], ["CHG-229", "CHG-"]),
    ("@+-#+", ["ABC-1", "a-99"], ["-1", "ABC-", "AB1-1", "É-1"]),
    ("#+1#+", ["111", "2910"], ["11", "222"]),
    ("REQ 12/#:@_", ["REQ 12/3:x_"], ["REQ 12/3:x", "REQ12/3:x_"]),
    ("ÄND-#", ["ÄND-1"], ["AND-1", "A\u0308ND-1"]),
    ("#", ["7"], ["๑", "７", "²", "\x00", ""]),
    ("@", ["q"], ["é", "ก", "Ａ", "1"]),
]


@pytest.mark.parametrize("installed", [True, False])
@pytest.mark.parametrize(("template", "right", "wrong"), TEMPLATES)
def test_a_template_means_the_same_with_and_without_re2(
    request: pytest.FixtureRequest, template: str, right: list[str], wrong: list[str], installed: bool
) -> None:
    if not installed:
        request.getfixturevalue("without_re2")
    assert pattern_trouble(template) == ""
    assert [ticket for ticket in right if not fits(template, ticket)] == []
    assert [ticket for ticket in wrong if ticket and fits(template, ticket)] == []


def test_random_templates_fit_what_the_same_expression_fits() -> None:
    chance = random.Random(20251105)
    places = {"#": "[0-9]", "@": "[A-Za-z]", "#+": "[0-9]+", "@+": "[A-Za-z]+", "A": "A", "1": "1", "-": "-"}
    examples = {"#": "12", "@": "Ab", "A": "A", "1": "1", "-": "-"}
    fitting = 0
    for _ in range(2000):
        chosen = chance.choices(list(places), k=chance.randint(1, 6))
        right = [chance.choice(examples[each[0]]) * chance.randint(1, len(each)) for each in chosen]
        ticket = "".join(right if chance.random() < 0.5 else chance.choices("A1-b2", k=chance.randint(1, 8)))
        expected = re.fullmatch("".join(places[each] for each in chosen), ticket) is not None
        assert fits("".join(chosen), ticket) == expected, ("".join(chosen), ticket)
        fitting += expected
    assert 900 < fitting < 1500


@pytest.mark.parametrize("template", ["#+" * 100, "@+#+" * 50, "#+1" * 66, "@+" * 99 + "-"])
def test_the_longest_template_is_checked_at_once(template: str) -> None:
    began = time.process_time()
    for ticket in ("1" * LONGEST_TICKET, "a" * LONGEST_TICKET, "a1" * (LONGEST_TICKET // 2), "1" * 99 + "!"):
        fits(template, ticket)
    assert time.process_time() - began < 1


@pytest.mark.parametrize("pattern", ["CHG.#", "CHG-+", "++", "#++", "(#)", "#*", r"\#", "[A-Z]", "#{4}", "^#$"])
def test_any_other_sign_makes_it_an_expression(pattern: str) -> None:
    assert not is_template(pattern)


# --- regular expressions -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "right", "wrong"),
    [
        (EXPRESSION, "CHG-12345", "chg-12345"),
        (r"^(CHG|INC)-?\d+$", "INC7", "INC"),
        (r"[A-Z][A-Z0-9]+-\d+", "PROJ1-12", "P-12"),
        (r"(?:#\d+)?", "#12", "12"),
        (r"\[\w+\]\s\.", "[x] .", "x ."),
        (r"[^a-z]{3}", "ABC", "ABc"),
        (r"(CHG-\d+ ?)+", "CHG-1 CHG-2", "CHG-1, CHG-2"),
        (r"((A|B)-(\d|x))", "B-x", "C-x"),
        (r"(?i)chg-\d", "CHG-1", "CHG-a"),
        (r"\d", "7", "๑"),
        (r"\d", "7", "７"),
        (r"\w+", "plain", "naïve"),
        (r"\pL+-\p{Thai}", "é-ก", "1-ก"),
        (r"ก\d.", "ก1é", "ก๑é"),
        (r"CHG-\d$", "CHG-1", "CHG-1\n"),
        (r".+", "a", "\n"),
        (r"[^a]", "b", "\udcff"),
        (r"\\C", r"\C", "C"),
    ],
)
def test_an_expression_fits_the_whole_ticket(pattern: str, right: str, wrong: str) -> None:
    assert pattern_trouble(pattern) == ""
    assert ticket_trouble(pattern, right) == ""
    assert ticket_trouble(pattern, wrong)
    assert ticket_trouble(pattern, "") == ""


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        (r"(.)\1", r"“\1” is not taken, and neither are references back to a group"),
        ("(?P<a>.)(?P=a)", "nothing looks ahead or back"),
        ("(?=a)a", "“(?=” is not taken: a group begins with ( or (?: and nothing looks ahead or back"),
        ("(?!a)b", "nothing looks ahead or back"),
        ("(?<=a)b", "nothing looks ahead or back"),
        ("(?>a)b", "a group begins with ( or (?:"),
        (r"CHG-\C", "“\\C” is not taken. Use . for any character."),
        (r"\\\C", "“\\C” is not taken"),
        ("(a{1,1000}){1,1000}", "“{1,1000}” repeats too often"),
        ("((((a{10}){10}){10}){10})", "“{10}” repeats too often"),
        ("a{1001}", "1000 times is the most, all in all"),
        ("a{2,1}", "the wrong way round"),
        (r"\pL{100}", "it takes too much memory"),
        (r"(?:\pL|\pN){1,100}", "it takes too much memory"),
        ("a**", "“**” repeats a repetition"),
        ("a++", "“++” repeats a repetition"),
        ("*", "“*” has nothing before it to repeat"),
        ("(a", "a ( has no )"),
        ("a)", "a ) has no ("),
        ("[", "a [ has no ]"),
        ("[z-a]", "“z-a” is no range or class of characters"),
        (r"\p{Nowhere}", r"“\p{Nowhere}” is no range or class"),
        ("(?P<a-b>x)", "is no name of a group"),
        ("CHG-\\", "nothing follows the last \\"),
        ("(?P<" + "é" * 60 + "-", "…”"),
        ("CHG-\x00", "one line of visible characters"),
        ("CHG-#\nCHG", "one line of visible characters"),
        ("CHG-\ud800", "one line of visible characters"),
        ("C" * (LONGEST_PATTERN + 1), "at most 200 characters"),
        ("(" * LONGEST_PATTERN, "a ( has no )"),
    ],
)
def test_what_is_not_taken_is_refused_in_words(pattern: str, why: str, capfd: pytest.CaptureFixture[str]) -> None:
    trouble = pattern_trouble(pattern)
    assert why in trouble
    assert trouble.endswith(".")
    assert "b'" not in trouble
    assert capfd.readouterr() == ("", ""), "RE2 writes nothing of it into the log"


HOSTILE = [
    "(a+)+$", "(a|a)*$", "(a*)*b", "((a{1,100}){1,10})", "(?:a?){100}a{100}", r"\w*\w*\w*\w*!", "(x+x+)+y", ".{1000}",
    "(?:" * 39 + "a" + ")*" * 39, "(a|a)" * 40, "(.*)" * 50, "[^a]{1000}", r"(\pL+)*!", "(a{1,1000}){1,1000}",
    r"((\pL{10}){10}){10}", r"\C*",
]  # fmt: skip


@pytest.mark.parametrize("pattern", HOSTILE)
def test_hostile_expressions_are_refused_in_words_or_checked_at_once(pattern: str) -> None:
    assert len(pattern) <= LONGEST_PATTERN
    began = time.process_time()
    if not pattern_trouble(pattern):
        for ticket in ("a" * LONGEST_TICKET, "a" * 99 + "!", "ก" * LONGEST_TICKET, "x" * 50 + "\n"):
            ticket_trouble(pattern, ticket)
    assert time.process_time() - began < 1, "it takes milliseconds; Python's matcher takes longer than anybody waits"


def test_the_length_of_a_ticket_has_a_limit_whatever_the_format() -> None:
    for pattern in ("", "#+", r"\d+"):
        assert fits(pattern, "1" * LONGEST_TICKET)
        assert "at most 100 characters" in ticket_trouble(pattern, "1" * (LONGEST_TICKET + 1))


def test_half_a_character_is_no_ticket() -> None:
    for pattern in ("", "CHG-#", EXPRESSION, "."):
        assert "cannot be stored" in ticket_trouble(pattern, "CHG-\udcff")


ONE = (
    "a", "b", "Z", "0", "7", "-", " ", ".", "#", r"\d", r"\D", r"\w", r"\W", r"\s", r"\S", r"\.", r"\-", r"\(", r"\_",
    "[ab]", "[^ab]", "[A-Z]", "[0-9a]", r"[\d-]", r"[^\w]", r"[\]x]",
)  # fmt: skip


def random_expression(chance: random.Random) -> str:
    """Flat: characters, classes, sets, repetitions of one character, one level of groups and choices. ASCII alone."""

    def some() -> str:
        times = chance.choice(["", "", "", "*", "+", "?", "{2}", "{0,1}", "{1,}", "{1,3}"])
        return chance.choice(ONE) + times

    def part() -> str:
        if chance.random() < 0.7:
            return some()
        choices = "|".join("".join(some() for _ in range(chance.randint(0, 2))) for _ in range(chance.randint(1, 3)))
        return chance.choice(["(", "(?:"]) + choices + ")" + chance.choice(["", "", "?"])

    text = "".join(part() for _ in range(chance.randint(1, 4)))
    return f"^{text}$" if chance.random() < 0.1 else text


def test_random_flat_expressions_fit_what_python_fits() -> None:
    chance = random.Random(20251105)
    compared = fitting = 0
    while compared < 150:
        pattern = random_expression(chance)
        if is_template(pattern):
            continue
        assert pattern_trouble(pattern) == "", pattern
        compared += 1
        for _ in range(12):
            ticket = "".join(chance.choices("abZ07-. _(x]#\t\n", k=chance.randint(1, 6)))
            expected = re.fullmatch(pattern, ticket) is not None
            assert fits(pattern, ticket) == expected, (pattern, ticket)
            fitting += expected
    assert fitting > 60, "some have to fit"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        (r"(CHG-\d+)\1", "neither are references back to a group"),
        ("(?=C)CHG", "nothing looks ahead or back"),
        (r"\pL{200}", "it takes too much memory"),
        ("(a{1,1000}){1,1000}", "repeats too often"),
        (r"CHG-\C", "“\\C” is not taken"),
        ("CHG-#\x1f", "one line of visible characters"),
        ("#" * (LONGEST_PATTERN + 1), f"at most {LONGEST_PATTERN} characters"),
    ],
)
def test_the_service_itself_refuses_a_format_that_no_form_has_looked_at(
    acme: Connector, admin: Person, pattern: str, why: str
) -> None:
    before = rules_of(acme)
    with pytest.raises(Refused, match=re.escape(why)):
        set_rules(acme, replace(before, ticket_pattern=pattern, typed_above=7), seen=before.stamp, actor=admin)
    acme.refresh_from_db()
    assert rules_of(acme) == before
    assert not entries("rules.changed")


@pytest.mark.django_db
@pytest.mark.parametrize(
    "odd", [{"typed_above": -1}, {"typed_above": 100_001}, {"typed_share": 101}, {"observe_every": 7 * 86_400 + 1}]
)
def test_the_service_itself_refuses_odd_numbers(acme: Connector, admin: Person, odd: dict[str, int]) -> None:
    before = rules_of(acme)
    with pytest.raises(Refused, match="below 0 or too large"):
        set_rules(acme, replace(before, **odd), seen=before.stamp, actor=admin)  # type: ignore[arg-type]
    acme.refresh_from_db()
    assert rules_of(acme) == before
    assert not entries("rules.changed")


@pytest.mark.django_db
def test_the_service_itself_refuses_an_expression_where_re2_is_missing(
    acme: Connector, admin: Person, without_re2: None
) -> None:
    before = rules_of(acme)
    with pytest.raises(Refused, match="which this installation cannot check"):
        set_rules(acme, replace(before, ticket_pattern="(a+)+$"), seen=before.stamp, actor=admin)
    acme.refresh_from_db()
    assert acme.ticket_pattern == before.ticket_pattern


# --- without RE2 -------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("processes")
def test_a_process_that_cannot_import_re2_starts_and_refuses_expressions() -> None:
    """In a process of its own, where nothing has imported it before."""
    program = (
        "import sys; sys.modules['re2'] = None\n"
        "import django; django.setup()\n"
        "import mappings.plans.rules_form\n"
        "from mappings.planning.tickets import format_help, pattern_trouble, ticket_trouble\n"
        "print(pattern_trouble('CHG-[0-9]+'), ticket_trouble('CHG-[0-9]+', 'CHG-1'), sep='\\n')\n"
        "print([ticket_trouble('CHG-#+', each)[:10] for each in ('CHG-1', 'CHG-x')])\n"
        "print(repr(ticket_trouble('CHG-[0-9]+', '')))\n"
        "print(format_help())\n"
    )
    ran = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    trouble, use, templates, empty, told = ran.stdout.splitlines()
    assert "“CHG-[0-9]+” is a regular expression, which this installation cannot check" in trouble
    assert "have the package google-re2 installed" in use
    assert (templates, empty) == ("['', 'The ticket']", "''")
    assert "google-re2 is not installed" in told


def test_another_package_called_re2_is_not_taken_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is one that falls back to Python's matcher for what RE2 does not know."""
    monkeypatch.setitem(sys.modules, "re2", ModuleType("re2"))
    assert "google-re2" in pattern_trouble(r"\d+")


def post(client: Client, **data: str) -> str:
    stamp = re.search(r'name="seen" value="(\w+)"', client.get(RULES).content.decode())
    assert stamp
    usual = {"ticket_pattern": "", "typed_above": "25", "typed_share": "10", "observe_every": "15"}
    answer = client.post(RULES, {**usual, "seen": stamp[1], **data})
    assert answer.status_code == (400 if b"ticket_pattern_error" in answer.content else 303)
    return said(answer) if answer.status_code == 400 else ""


@pytest.mark.django_db
def test_with_re2_the_form_takes_both_and_says_so(acme: Connector, signed_in: SignIn) -> None:
    client = signed_in(Role.ADMIN)
    page = said(client.get(RULES))
    assert "A template such as CHG-####+" in page
    assert "it is a regular expression (RE2) that matches the whole ticket" in page
    assert "nothing looks ahead or back" in post(client, ticket_pattern="(?=C)CHG")
    assert "it takes too much memory" in post(client, ticket_pattern=r"\pL{200}")
    for pattern in (EXPRESSION, "CHG-####+"):
        assert post(client, ticket_pattern=pattern) == ""
        assert Connector.objects.get().ticket_pattern == pattern


@pytest.mark.django_db
def test_without_re2_the_form_takes_templates_alone_and_says_so(
    acme: Connector, signed_in: SignIn, without_re2: None
) -> None:
    client = signed_in(Role.ADMIN)
    page = said(client.get(RULES))
    assert "A template such as CHG-####+" in page
    assert "A regular expression cannot be used on this installation: the package google-re2 is not installed" in page
    refused = post(client, ticket_pattern=EXPRESSION)
    assert rf"“{EXPRESSION}” is a regular expression, which this installation cannot check" in refused
    assert not entries("rules.changed")
    assert post(client, ticket_pattern="CHG-####+") == ""
    assert Connector.objects.get().ticket_pattern == "CHG-####+"


@pytest.mark.django_db
def test_a_stored_expression_is_refused_at_use_where_re2_is_gone(
    acme: Connector, admin: Person, signed_in: SignIn, without_re2: None
) -> None:
    Connector.objects.update(ticket_pattern=EXPRESSION)
    row = edit(acme, "j2a-state", IN_REVIEW, 3, actor=admin)
    client = signed_in(Role.ADMIN)
    assert "No ticket can be checked, so plans are made without one." in said(client.get(PAGE))
    for ticket in ("CHG-2291", "nonsense"):
        refused = client.post(NEW, {"row": row.pk, "reason": "QA column added", "ticket": ticket})
        assert refused.status_code == 409
        assert f"The ticket {ticket} cannot be checked" in said(refused)
        assert "have the package google-re2 installed. An admin changes it under Rules of plans" in said(refused)
    assert not Plan.objects.exists()
    assert "which this installation cannot check" in post(client, ticket_pattern=EXPRESSION, typed_above="5")
    acme.refresh_from_db()
    with pytest.raises(Refused, match="which this installation cannot check"):
        set_rules(acme, rules_of(acme), seen=rules_of(acme).stamp, actor=admin)
    assert client.post(NEW, {"row": row.pk, "reason": "QA column added"}).status_code == 303


# --- at the plan -------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_whoever_plans_is_told_what_the_signs_of_a_template_stand_for(
    acme: Connector, admin: Person, signed_in: SignIn
) -> None:
    edit(acme, "j2a-state", IN_REVIEW, 3, actor=admin)
    client = signed_in(Role.ADMIN)
    for pattern, told in (("CHG-####", True), (EXPRESSION, False)):
        Connector.objects.update(ticket_pattern=pattern)
        page = said(client.get(NEW))
        assert f"As this connector asks for it: {pattern}" in page
        assert ("# stands for a digit" in page) == told
        assert "No ticket can be checked" not in said(client.get(PAGE))


@pytest.mark.django_db
@pytest.mark.parametrize("pattern", ["INC-#+", r"(?=C)CHG-\d+"])
def test_a_refreshed_plan_keeps_the_ticket_it_was_made_with(
    acme: Connector, admin: Person, signed_in: SignIn, pattern: str
) -> None:
    row = edit(acme, "j2a-state", IN_REVIEW, 3, actor=admin)
    signed_in(Role.ADMIN).post(NEW, {"row": row.pk, "reason": "QA column added", "ticket": "CHG-1"})
    plan = Plan.objects.get()
    Connector.objects.update(ticket_pattern=pattern)
    made = refresh.replace(plan, {}, actor=factories.person(Role.ADMIN, email="second@example.test"))
    assert made is not None
    assert (made.pk != plan.pk, made.ticket) == (True, "CHG-1")


def test_the_help_names_no_sign_that_the_language_lacks() -> None:
    assert fits("CHG-####+", "CHG-2291")
    assert all(each in format_help() for each in ("CHG-####+", r"CHG-\d{4,8}", r"(CHG|INC)-\d+"))
    assert pattern_trouble(EXPRESSION) == pattern_trouble(r"(CHG|INC)-\d+") == ""
