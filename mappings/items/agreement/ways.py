"""Whether an issue can go where its item stands: asked once for each type, status and target of a comparison."""

from __future__ import annotations

from dataclasses import dataclass, field

from alignadmin.http.errors import Forbidden, NotFound
from connectors.jira import JiraClient
from mappings.engine.agreement import ApartReason, WayThere
from mappings.engine.items import IssueFacts
from mappings.items.agreement.facts import AgreementFacts

Asked = tuple[int, int, int]  # ids of an issue type, the status that an issue has, and the one that it would have


@dataclass(kw_only=True)
class WaysThere:
    """Of one project. A transition is a matter of the workflow, so what one issue is told holds for its like."""

    jira: JiraClient
    facts: AgreementFacts
    known: dict[Asked, WayThere] = field(default_factory=dict)

    def of(self, issue: IssueFacts, wanted: int) -> WayThere:
        """Raises RemoteError for what is no matter of this issue."""
        asked = (issue.type_id, issue.status_id, wanted)
        if asked not in self.known:
            self.known[asked] = self._known_here(issue, wanted) or self._asked(issue, wanted)
        return self.known[asked]

    def _known_here(self, issue: IssueFacts, wanted: int) -> WayThere | None:
        target = self.facts.status(wanted)
        if issue.status_id in self.facts.resolved:
            said = f"The issue is resolved in {issue.status_name}, so it is not moved to {target} from Align."
            return WayThere(reason=ApartReason.REFUSED_THERE, sentence=said)
        reached = self.facts.reached.get(issue.type_id)
        if reached and wanted not in reached:
            said = f"The workflow of {issue.type_name} has no status {target}, to which Align’s state leads."
            return WayThere(reason=ApartReason.REFUSED_THERE, sentence=said)
        return None

    def _asked(self, issue: IssueFacts, wanted: int) -> WayThere:
        target = self.facts.status(wanted)
        try:
            found = [each for each in self.jira.transitions(issue.id) if each.to.id == wanted]
        except Forbidden as refused:
            return WayThere(reason=ApartReason.TOKEN, sentence=f"Jira tells no transitions: {refused.sentence}")
        except NotFound:
            return WayThere()
        if not found:
            said = f"No transition leads from {issue.status_name} to {target}, for which Align’s state stands."
            return WayThere(reason=ApartReason.NO_TRANSITION, sentence=said)
        open_ = [each for each in found if each.is_available is not False]
        if not open_:
            said = f"A condition of the transition to {target} is not met."
            return WayThere(reason=ApartReason.REFUSED_THERE, sentence=said)
        needed = [each.name for each in open_[0].fields if each.must_be_given]
        if needed:
            said = f"The transition to {target} asks for {', '.join(needed)}, which Align does not give."
            return WayThere(reason=ApartReason.REFUSED_THERE, sentence=said)
        return WayThere(leads=True)
