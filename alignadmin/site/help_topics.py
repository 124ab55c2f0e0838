"""The topics of the help: the documents in docs/, and which of them a page of the product is explained by."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Topic:
    """A document: `key` is in the address, `file` in the folder of documents."""

    key: str
    file: str
    title: str
    about: str


@dataclass(frozen=True, kw_only=True)
class TopicGroup:
    title: str
    topics: tuple[Topic, ...]


GROUPS = (
    TopicGroup(
        title="Using it",
        topics=(
            Topic(
                key="setup",
                file="setup.md",
                title="Setting up a connector",
                about="what you need, each step with what it checks, who wants statuses only",
            ),
            Topic(
                key="mapping",
                file="mapping.md",
                title="Mapping statuses, states and process steps",
                about="four families, type ids, examples, what Align’s audit log says",
            ),
            Topic(
                key="agreement",
                file="agreement.md",
                title="Agreement of items and issues",
                about="what is compared, when and at what cost, and what each reason means",
            ),
            Topic(
                key="operations",
                file="operations.md",
                title="Operations",
                about="plans and applies moment by moment, drift, maintenance; start, back up, restore, upgrade",
            ),
            Topic(
                key="compliance",
                file="compliance.md",
                title="The history",
                about="what it records and proves, gaps, reviews, evidence packs and how to check them",
            ),
            Topic(
                key="queries",
                file="queries.md",
                title="Queries",
                about="what can be asked of Align’s objects, and why a query is refused",
            ),
            Topic(key="objects", file="objects.md", title="Align’s objects", about="their fields and methods"),
        ),
    ),
    TopicGroup(
        title="How it is secured and built",
        topics=(
            Topic(key="security", file="security.md", title="Security", about="each control with its test"),
            Topic(key="threat-model", file="THREAT_MODEL.md", title="Threat model", about="who is trusted with what"),
            Topic(key="architecture", file="architecture.md", title="Architecture", about="the rooms of the code"),
            Topic(
                key="contributing", file="CONTRIBUTING.md", title="Contributing", about="which files a change touches"
            ),
            Topic(key="performance", file="performance.md", title="Figures", about="what was measured"),
        ),
    ),
)
TOPICS = {topic.key: topic for group in GROUPS for topic in group.topics}
BY_FILE = {topic.file: topic.key for topic in TOPICS.values()}

# By the first part of a page's address, and below a connector by the part after it; the longest that fits.
OF_PAGES = {
    "connectors/new": "setup#3-connect",
    "connectors/set-up": "setup",
    "connectors/types": "setup#5-hierarchy",
    "connectors/hierarchy": "mapping#hierarchy",
    "connectors/fields": "mapping#fields",
    "connectors/imports": "mapping#import",
    "imports": "mapping#import",
    "connectors/rehearsals": "mapping#rehearsal",
    "connectors/agreement": "agreement",
    "connectors/explain": "mapping#explain-an-item",
    "connectors/progress": "mapping#progress",
    "connectors/verify": "setup#10-verify",
    "verifications": "setup#10-verify",
    "connectors/import-scope": "mapping#issues-to-import",
    "connectors/draft": "mapping#hierarchy",
    "proposals": "mapping#hierarchy",
    "connectors/coverage": "mapping",
    "connectors/mappings": "mapping",
    "connectors/contract": "mapping#type-ids",
    "connectors/drift": "operations#the-drift-watch",
    "connectors/plan": "operations#plans-and-applies-the-short-version",
    "connectors/rules": "operations#four-eyes-and-the-emergency",
    "connectors/maintenance": "operations#maintenance",
    "connectors/budget": "operations#the-rate-limit",
    "connectors/disconnect": "operations#disconnecting-a-connector",
    "connectors/connect-again": "operations#disconnecting-a-connector",
    "connectors/former": "setup#later",
    "connectors/hand-over": "operations#a-connector-made-anew-in-align",
    "connectors/explorer": "queries",
    "connectors/webhook": "setup#9-webhook",
    "plans": "operations#plans-and-applies-the-short-version",
    "history": "compliance",
    "history/review": "compliance#8-reviews",
    "history/questions": "compliance#8-reviews",
    "history/packs": "compliance#6-check-an-evidence-pack-yourself",
    "history/cases": "compliance#2-where-it-comes-from",
    "history/intake": "operations#aligns-log-in-another-shape",
    "history/verification": "operations#the-nightly-check-of-the-history",
    "operator": "operations#the-operators-page",
    "settings": "operations#settings-that-admins-change",
    "settings/people": "operations",
    "accounts/notifications": "operations#who-is-told-what",
}


def topic_of(path: str) -> str:
    """The key of a page's own topic, with the place in it; empty where only the list of topics fits."""
    parts = path.strip("/").split("/")
    if parts[0] == "connectors" and parts[1:] != ["new"]:
        del parts[1:2]  # whose it is
    return OF_PAGES.get("/".join(parts[:2])) or OF_PAGES.get(parts[0], "")
