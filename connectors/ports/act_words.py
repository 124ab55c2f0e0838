"""Words of acts on the page that confirms them: which connector and which system an address is about."""

from __future__ import annotations

from collections.abc import Callable

from alignadmin.accounts.acts import ActField, Params, Typed
from connectors.models import Connector, System
from connectors.ports.extensions import WriteKey


def of_connector(words: str) -> Callable[[Typed, Params], str]:
    """ "Edit {connector}", or with "{system}": of the connector and the system that the address names. One query."""

    def said(_typed: Typed, params: Params) -> str:
        system = params.get("system")
        label = System(system).label if system in System.values else ""
        return words.format(connector=connector_name(params["slug"]), system=label)

    return said


def connector_name(slug: str) -> str:
    return Connector.objects.filter(slug=slug).values_list("name", flat=True).first() or slug


def write_key(label: str, keys: Callable[[Connector], list[WriteKey]]) -> ActField:
    """The key at which a write may be tried, in the words that its form had; one that is gone as it was sent."""

    def words(value: str, params: Params) -> str:
        connector = Connector.objects.filter(slug=params["slug"]).first()
        found = {each.id: each.sentence for each in keys(connector)} if connector else {}
        return found.get(value, value)

    return ActField(label=label, words=words)
