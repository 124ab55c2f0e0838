"""What the sandbox can be told at its start, and, for the switches, by a reset while it runs.

A switch stands for a question that Atlassian's documents leave open.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace


@dataclass(frozen=True, kw_only=True)
class Switch:
    """One open question: the answers offered, the first of them the default."""

    name: str
    choices: tuple[str, ...]
    help: str

    @property
    def flag(self) -> str:
        return "--" + self.name.replace("_", "-")


@dataclass(frozen=True, kw_only=True)
class TextSwitch:
    """One open question that has more answers than can be listed; the default is empty."""

    name: str
    form: str
    help: str

    @property
    def flag(self) -> str:
        return "--" + self.name.replace("_", "-")


SITE_SWITCHES = (
    Switch(
        name="post_answer",
        choices=("object", "id", "empty"),
        help="what a POST answers with its 201: the record, the bare id, or nothing (Location is always sent)",
    ),
    Switch(
        name="duplicate",
        choices=("400", "409", "upsert"),
        help="a POST of a key that already has a record: refused with 400 or 409, or it changes the record (200)",
    ),
    Switch(
        name="top_over_limit",
        choices=("clamp", "400"),
        help="$top above the page limit: taken as that, or refused",
    ),
    Switch(
        name="retry_after",
        choices=("no", "yes"),
        help="whether a 429 carries the header Retry-After",
    ),
    Switch(
        name="users_current",
        choices=("user", "400", "403", "404", "405", "500", "list"),
        help="what the undocumented /users/current answers: the token's owner, an error, or an empty list",
    ),
    Switch(
        name="type_ids",
        choices=("table", "lax", "examples"),
        help="work item type ids: the published table, or also 1 and 2 as Feature in the state families, "
        "as the published examples use them, or 2 as Feature there in place of 3 (a list filtered by 1 has it, too)",
    ),
    Switch(
        name="project_key_on_write",
        choices=("ignored", "required", "refused"),
        help="?ProjectKey= on POST, PUT and DELETE of a team-managed project's mappings from Jira to Align: makes no "
        "difference; without it a POST is refused with 400 and PUT and DELETE find nothing (404); with it all get 400",
    ),
    Switch(
        name="project_key_in_body",
        choices=("ignored", "required", "refused"),
        help="projectKey in the body from Align to Jira, where the path names a team-managed project already: makes "
        "no difference, or without it, or with it, POST and PUT are refused with 400",
    ),
    Switch(
        name="page_limit",
        choices=("100", "20", "200"),
        help="the most records that a list answers at once; no source shows another than 100",
    ),
    Switch(
        name="single_get",
        choices=("yes", "405"),
        help="a GET of one record by its id: answered, or refused",
    ),
    Switch(
        name="value_streams",
        choices=("yes", "no", "403"),
        help="/ValueStreams: answered, missing as before Align 10.108 (404), or refused to this token",
    ),
    Switch(
        name="step_shape",
        choices=("objects", "state-names", "ids", "names", "none"),
        help="the processSteps of a process flow: records whose state is a number or a name, bare ids, bare names, or "
        "nothing; no source shows one",
    ),
    Switch(
        name="odd_records",
        choices=("no", "decoration", "unusable", "pascal", "items", "data", "results", "latin-1", "utf-16"),
        help="lists of both sites: optional fields in odd forms (isActive 1, programIds as text, a NUL in names), "
        "more records that cannot be used (null keys, ids that are no number), PascalCase names, an envelope of that "
        "name, or another charset",
    ),
    Switch(
        name="record_fields",
        choices=("all", "more", "fewer"),
        help="the fields of a mapping: as published, with one more, or without the names of both sides",
    ),
    Switch(
        name="audit_endpoint",
        choices=("yes", "no"),
        help="whether /connectors/{id}/auditlog exists; no source shows it, it is the sandbox's own",
    ),
    Switch(
        name="audit_shape",
        choices=("table", "seen", "us-dates", "no-id", "unreadable", "400", "403", "405"),
        help="what /connectors/{id}/auditlog answers: the four columns of the published table with an id; as the one "
        "public client reads another audit log (auditTimeStamp, HTML in details, no id, no type); dates as "
        "11/20/2026 2:02:03 PM; no id; lines without a time of their own; or a refusal",
    ),
    Switch(
        name="pulled_statuses",
        choices=("all", "listed"),
        help="Jira statuses that Align knows: all, or those pulled when the data was seeded; "
        "another one is refused by name",
    ),
    Switch(
        name="jira",
        choices=("cloud", "server", "server-9"),
        help="server, server-9: Jira answers as Data Center 10 or 9 (/rest/api/2 only, no project/search, no style, "
        "/search in place of /search/jql, also Bearer tokens and sessions; wrong credentials get 401 everywhere, three "
        "wrong passwords of a user lock it until the edit unlock_user)",
    ),
    Switch(
        name="jira_language",
        choices=("en", "de", "zh"),
        help="the language in which Jira names its own statuses and issue types to the token's user; a token may have "
        "one of its own (edit set_token). Align's names and log stay as they were pulled",
    ),
    Switch(
        name="configuration_pull",
        choices=("at-once", "by-hand"),
        help="a status that is renamed in Jira has its new name in Align at once, or only after the edit "
        "pull_configuration: until then Align's lists and log say the old one",
    ),
)
OBJECT_SWITCHES = (
    Switch(
        name="lenient",
        choices=("no", "yes"),
        help="unknown query options and unknown properties of objects: refused with 400, or ignored",
    ),
    Switch(
        name="bare_options",
        choices=("ignored", "honoured"),
        help="query options without their dollar sign (skip=, orderBy=, limit=) and $count: no effect, or taken as "
        "meant; the journal says which. The documents call them not guaranteed",
    ),
    Switch(
        name="external_key",
        choices=("writable", "ignored"),
        help="externalKey, externalId and externalProject in a write: set, or left as they are without an error",
    ),
    Switch(
        name="state_writable",
        choices=("yes", "no"),
        help="state and processStepId of an item of work: can be set, or are refused with 400",
    ),
    Switch(
        name="priorities",
        choices=("read", "write"),
        help="/connectors/{id}/priorities: read only, or the priorityId of one of them can be set by PUT and PATCH",
    ),
    Switch(
        name="recycle",
        choices=("patch", "no"),
        help="isRecycled of an item of work, as there is no DELETE: can be set, or is refused with 400",
    ),
    Switch(
        name="custom_fields",
        choices=("record", "property"),
        help="where the custom fields of an object stand: in the record as the published sample shows them, or inside "
        "its property customFields, which public clients read",
    ),
    Switch(
        name="basic_apitoken",
        choices=("no", "yes"),
        help="whether Basic with the user apitoken and an Align token as its password signs in",
    ),
)
JIRA_SWITCHES = (
    Switch(
        name="search_lag",
        choices=("no", "1", "5", "60"),
        help="how many seconds after a write Jira's search still finds an issue as it was before; documented is that "
        "search may lag behind, not for how long",
    ),
    Switch(
        name="transition_checks",
        choices=("yes", "no"),
        help="whether Jira's workflow refuses the way to In Review for an issue that nobody is assigned to; such "
        "checks are documented, which ones there are is up to a site",
    ),
    Switch(
        name="webhooks",
        choices=("usual", "late", "lost", "doubled", "reordered", "unsigned", "other-secret"),
        help="Jira's deliveries to webhooks: as documented (at least once, in no promised order), two seconds late, "
        "never, twice, every second one overtaken by the next, without a signature, or signed with another secret as "
        "after a change of it. Data Center 9 never signs and never tries again",
    ),
    Switch(
        name="webhook_retry",
        choices=("1", "0", "300"),
        help="seconds before Jira tries a failed delivery again, four times at most (408, 409, 425, 429, 5xx, no "
        "answer); real sites take 5 to 15 minutes, which is not promised",
    ),
    Switch(
        name="connector_moves",
        choices=("no", "yes"),
        help="whether the sandbox's Align connector works: an issue that is made, changed or deleted makes, changes or "
        "recycles its item, and a state or a step that is set moves the issue, both at once and by the stored "
        "mappings; the journal says each of it as CONNECTOR. Documented: which fields take part, that a status "
        "without a mapping shows as 0, that a resolved issue is not moved from Align. Not documented: that it "
        "happens at once, that a step goes before a state, what becomes of deleted issues, and that what came from "
        "the other side is not sent back. Left out: Accepted by a date, other fields from Align to Jira",
    ),
    Switch(
        name="connector_titles",
        choices=("to-align", "both"),
        help="where connector_moves works, whether it also carries a title that is set in Align to its issue; which "
        "direction a site has for the title is set in Align and told by no document",
    ),
)
SWITCHES = (*SITE_SWITCHES, *OBJECT_SWITCHES, *JIRA_SWITCHES)
TEXT_SWITCHES = (
    TextSwitch(
        name="audit_labels",
        form='"Story=User Story,Feature=Epic"',
        help="how the audit log calls work item types where a site has terms of its own; no source shows such a line",
    ),
    TextSwitch(
        name="not_in_align",
        form="HACK,SUP",
        help="projects that Align's connectors do not have until the edit set_project says so; with it a project can "
        "be taken over and imported",
    ),
)
SEEDS = ("small", "large", "examples", "examples-company", "examples-mixed")
# The published examples 1 and 3: these two have the type ids of the examples unless lax is asked for.
BY_EXAMPLES = ("examples-company", "examples-mixed")
TYPE_NAMES = ("Feature", "Story", "Task", "Defect")


@dataclass(frozen=True, kw_only=True)
class Options:
    """Everything that shapes one running sandbox. Rates: requests per seconds, 0 requests = no limit."""

    host: str = "127.0.0.1"
    port: int = 8001
    state: str | None = None
    seed: str = "small"
    rate_limit: str = "600/60"
    block: float = 60.0
    latency: int = 0
    post_answer: str = "object"
    duplicate: str = "400"
    top_over_limit: str = "clamp"
    retry_after: str = "no"
    users_current: str = "user"
    type_ids: str = "table"
    project_key_on_write: str = "ignored"
    project_key_in_body: str = "ignored"
    page_limit: str = "100"
    single_get: str = "yes"
    value_streams: str = "yes"
    step_shape: str = "objects"
    odd_records: str = "no"
    record_fields: str = "all"
    audit_endpoint: str = "yes"
    audit_shape: str = "table"
    pulled_statuses: str = "all"
    jira: str = "cloud"
    jira_language: str = "en"
    configuration_pull: str = "at-once"
    lenient: str = "no"
    bare_options: str = "ignored"
    external_key: str = "writable"
    state_writable: str = "yes"
    priorities: str = "read"
    recycle: str = "patch"
    custom_fields: str = "record"
    basic_apitoken: str = "no"
    search_lag: str = "no"
    transition_checks: str = "yes"
    webhooks: str = "usual"
    webhook_retry: str = "1"
    connector_moves: str = "no"
    connector_titles: str = "to-align"
    audit_labels: str = ""
    not_in_align: str = ""

    def __post_init__(self) -> None:
        parse_rate(self.rate_limit)
        parse_labels(self.audit_labels)
        if not 0 <= self.port <= 65535:
            raise ValueError(f"a port is between 0 and 65535, not {self.port}")
        if self.seed not in SEEDS:
            raise ValueError(f"seed is one of {', '.join(SEEDS)}, not {self.seed!r}")
        for switch in SWITCHES:
            if getattr(self, switch.name) not in switch.choices:
                raise ValueError(f"{switch.name} is one of {', '.join(switch.choices)}")
        if self.seed in BY_EXAMPLES and self.type_ids == "table":
            object.__setattr__(self, "type_ids", "examples")

    def has_in_align(self, project: Mapping[str, object]) -> bool:
        """Whether Align's connectors have a project of Jira, as it is stored."""
        left_out = {each.strip() for each in self.not_in_align.split(",")}
        return bool(project.get("in_align", project["key"] not in left_out))

    def changed(self, switches: dict[str, object]) -> "Options":
        """These options with switches, rate_limit, block, latency or seed set anew. ValueError names a wrong one."""
        allowed = {switch.name for switch in (*SWITCHES, *TEXT_SWITCHES)} | {"rate_limit", "block", "latency", "seed"}
        values: dict[str, object] = {}
        for given, value in switches.items():
            name = given.replace("-", "_")
            if name not in allowed:
                raise ValueError(f"unknown switch {given!r}")
            values[name] = _like_default(name, value)
        return replace(self, **values)  # type: ignore[arg-type]  # the values were checked against the defaults


def _like_default(name: str, value: object) -> object:
    if isinstance(value, bool):
        return "yes" if value else "no"
    kind = type(getattr(Options, name))
    try:
        return kind(value)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} cannot be {value!r}") from error


def parse_rate(text: str) -> tuple[int, float]:
    """'600/60' as (requests, seconds); '0' as (0, 60.0), which means no limit."""
    match = re.fullmatch(r"(\d+)(?:/(\d+(?:\.\d+)?))?", text)
    if match is None or (match[2] is not None and float(match[2]) == 0):
        raise ValueError(f"a rate is written as 600/60 (requests/seconds) or 0, not {text!r}")
    return int(match[1]), float(match[2] or 60)


def parse_labels(text: str) -> dict[str, str]:
    """'Story=User Story,Feature=Epic' as {"Story": "User Story", "Feature": "Epic"}."""
    labels: dict[str, str] = {}
    for part in filter(None, text.split(",")):
        type_name, _, label = (each.strip() for each in part.partition("="))
        if type_name not in TYPE_NAMES or not label:
            raise ValueError(f"audit_labels are written as Story=User Story,Feature=Epic, not {text!r}")
        labels[type_name] = label
    return labels
