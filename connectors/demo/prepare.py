"""The demo's people and its connector, made through the services that pages use; again and again without harm."""

from __future__ import annotations

from dataclasses import replace

from alignadmin.accounts.models import Person
from alignadmin.accounts.people import search_names
from alignadmin.search import writing
from connectors.credentials.values import SecretData
from connectors.demo.people import PEOPLE, DemoPerson
from connectors.models import Connector, CredentialKind, JiraKind, System
from connectors.setup import services
from connectors.setup.connection_test import data_of

ALIGN_CONNECTOR_ID = 123
# The sandbox documents these; they open nothing else.
SANDBOX_SECRETS = (
    SecretData(
        system=System.ALIGN,
        kind=CredentialKind.ALIGN_BEARER,
        user="",
        secret="sandbox-align-token",  # noqa: S106
    ),
    SecretData(
        system=System.JIRA,
        kind=CredentialKind.JIRA_CLOUD,
        user="admin@sandbox.test",
        secret="sandbox-jira-token",  # noqa: S106
    ),
)


def prepare_people(password: str) -> list[Person]:
    """Who can sign in, with this password."""
    return [_person(person, password) for person in PEOPLE]


def prepare(*, slug: str, sandbox_address: str, password: str) -> Connector:
    """People with this password, and a connector to the sandbox whose first reading has been asked for."""
    people = prepare_people(password)
    connector = _connector(slug, sandbox_address, actor=people[0])
    if connector.catalogue_at is None:
        services.start_refresh(connector, actor=people[0])
    return connector


def _person(wanted: DemoPerson, password: str) -> Person:
    person = Person.objects.filter(email=wanted.email).first()
    if person is None:
        person = Person.objects.create_user(wanted.email, password, name=wanted.name, role=wanted.role)
        writing.write(search_names.PEOPLE, [person.pk])
        return person
    if not person.check_password(password):  # a new one would end the sessions that the last run began
        person.set_password(password)
        person.save(update_fields=["password"])
    return person


def _connector(slug: str, address: str, *, actor: Person) -> Connector:
    """The one of this slug; where the sandbox's port is another this time, its addresses follow."""
    found = Connector.objects.filter(slug=slug).first()
    if found is None:
        data = services.ConnectorData(
            name="Acme" if slug == "acme" else slug,
            align_site=address,
            align_connector_id=ALIGN_CONNECTOR_ID,
            jira_site=address,
            jira_kind=JiraKind.CLOUD,
        )
        return services.add_connector(slug, data, SANDBOX_SECRETS, actor=actor)
    services.edit_connector(found, replace(data_of(found), align_site=address, jira_site=address), actor=actor)
    kept = set(found.credentials.values_list("system", flat=True))
    for secret in SANDBOX_SECRETS:
        if secret.system not in kept:
            services.store_credential(found, secret, actor=actor)
    return found
