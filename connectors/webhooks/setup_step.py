"""Step 9 of the set-up: the webhook. Recommended, since polling finds the same changes later; done once it is heard."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils import timezone

from connectors.models import Connector
from connectors.ports.setup_steps import (
    Capability,
    SetupCheck,
    SetupCheckState,
    SetupLink,
    SetupPlace,
    SetupSeverity,
    SetupStep,
    SetupStepState,
)
from connectors.webhooks import services
from connectors.webhooks.health import WebhookState, state_of
from connectors.webhooks.page import why_unreachable


@dataclass(frozen=True, kw_only=True)
class WebhookFacts:
    """`state` is None before it is set up."""

    slug: str
    state: WebhookState | None
    why: str
    unreachable: str


def webhook_facts(connector: Connector) -> WebhookFacts:
    found = services.of(connector)
    state, why = state_of(found, timezone.now()) if found else (None, "")
    return WebhookFacts(slug=connector.slug, state=state, why=why, unreachable=why_unreachable(connector))


def webhook_step(facts: WebhookFacts | None) -> SetupStep:
    is_done = facts is not None and facts.state is WebhookState.CONNECTED
    return SetupStep(
        key="webhook",
        number=9,
        title="Webhook",
        why="Jira tells at once what changed, in place of being asked.",
        leads_to="Changes are looked at within seconds; polling goes on beside it and finds what was not announced.",
        state=SetupStepState.DONE if is_done else SetupStepState.OPTIONAL,
        checks=tuple(_checks(facts)) if facts else (),
        links=(_link(facts),) if facts else (),
        tips=(
            "It needs an admin of Jira: through the API where this connector’s token belongs to one, else by hand "
            "under System > Webhooks. No further credential is shared.",
            "A webhook of an admin neither ends after 30 days nor lists what it failed to deliver: only polling shows "
            "what was missed.",
            "Data Center 8 and 9 do not sign what they send. There the address alone is compared, which is weaker.",
        ),
    )


def _link(facts: WebhookFacts) -> SetupLink:
    return SetupLink(
        label="The webhook of this connector",
        place=SetupPlace(page="webhook", of=(facts.slug,)),
        sentence=facts.state.words if facts.state else "Not set up",
    )


def _checks(facts: WebhookFacts) -> list[SetupCheck]:
    place = SetupPlace(page="webhook", of=(facts.slug,))
    state, said = SetupCheckState.OPEN, "It is not set up yet."
    if facts.state is WebhookState.CONNECTED:
        state, said = SetupCheckState.OK, facts.why
    elif facts.state is WebhookState.SILENT:
        state, said = SetupCheckState.FAILED, facts.why
    elif facts.state is WebhookState.NOT_HEARD:
        said = facts.why
    if facts.unreachable and state is not SetupCheckState.OK:
        said = facts.unreachable
    return [
        SetupCheck(
            id="webhook-heard",
            label="A delivery of Jira was heard",
            state=state,
            sentence=said,
            severity=SetupSeverity.RECOMMENDED,
            serves=(Capability.IN_STEP,),
            mend=place,
        )
    ]
