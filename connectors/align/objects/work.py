"""The objects of work: methods and filters from Align's documents, field names also from public clients.

Align's table of objects ("About the REST API") says what may be sent. Its article "API 2.0 custom field support" says
which lists can be filtered, what is expanded, and what has custom fields.
"""

from __future__ import annotations

from connectors.align.objects.describing import described
from connectors.align.objects.shape import AlignObject, NamedBy

ALL = "create read update"
ITEM = {  # of every item of work
    "whole": "state processStepId priority connectorId",
    "texts": "title description processStepName blockedReason externalId externalKey externalProject jiraProjectKey",
    "truths": "isBlocked isExternal isRecycled",
    "dates": "startInitiationDate targetCompletionDate",
    "parts": "customFields",
    "set_by_align": "processStepName",
}
CREATED = "The article filters by createdDate, clients read createDate: either is sent as it was written."
COUNTRIES = "No list of countries is known, so the ids of countries cannot be looked up."


def _item(key: str, name: str, plural: str, path: str, *, slips: tuple[str, ...] = (), **more: str) -> AlignObject:
    """An item of work: what all have, and its own."""
    together = {each: f"{ITEM.get(each, '')} {more.get(each, '')}".strip() for each in {**ITEM, **more}}
    return described(
        key,
        name,
        plural,
        path,
        methods=ALL,
        stamped=True,
        has_custom_fields=True,
        slips=(*slips, CREATED),
        **together,
    )


WORK: tuple[AlignObject, ...] = (
    _item(
        "theme",
        "Theme",
        "Themes",
        "themes theme",
        whole="themeGroupId",
        texts="reportColor",
        numbers="plannedBudget",
        truths="isActive isMajor strategic",
        dates="portfolioAskDate",
        links="ownerId:user goalId:goal",
        ids="programIds:program releaseIds:release",
        expand="programs=programIds releases=releaseIds owner=ownerId goal=goalId",
        filterable="programIds releaseIds programs releases",
        slips=(
            "The article calls it /theme in the heading and /themes in the example: both are taken.",
            "Its list has the heading “Entities” as a third id, so the entities stand under the ids.",
        ),
    ),
    _item(
        "epic",
        "Epic",
        "Epics",
        "epics epic",
        numbers="points budget",
        links="ownerId:user parentId:epic themeId:theme primaryProgramId:program productId:product",
        ids="releaseIds:release additionalProgramIds:program additionalDevelopmentalStepIds "
        "additionalOperationalStepIds featureIds:feature",
        expand="releases=releaseIds additionalPrograms=additionalProgramIds primaryProgram=primaryProgramId "
        "theme=themeId product=productId owner=ownerId parent=parentId",
        filterable="releaseIds additionalProgramIds additionalDevelopmentalStepIds additionalOperationalStepIds "
        "releases additionalPrograms",
        slips=("The overview's example is singular: /epic/1001. Both spellings are taken.",),
    ),
    _item(
        "capability",
        "Capability",
        "Capabilities",
        "capabilities capability",
        numbers="points",
        links="ownerId:user epicId:epic programId:program productId:product",
        ids="releaseIds:release additionalProgramIds:program affectedCountryIds",
        expand="releases=releaseIds additionalPrograms=additionalProgramIds program=programId epic=epicId "
        "product=productId owner=ownerId",
        filterable="releaseIds additionalProgramIds affectedCountryIds releases additionalPrograms",
        slips=(COUNTRIES,),
    ),
    _item(
        "feature",
        "Feature",
        "Features",
        "features feature",
        whole="businessValue",
        numbers="points",
        dates="acceptedDate",
        article="title ownerId priority lastUpdatedDate",
        links="ownerId:user parentId:capability epicId:epic programId:program releaseId:release productId:product",
        ids="releaseVehicleIds:releasevehicle additionalProgramIds:program additionalDevelopmentalStepIds "
        "additionalOperationalStepIds productObjectiveIds:objective countryIds testCategoryIds",
        expand="releaseVehicles=releaseVehicleIds program=programId additionalPrograms=additionalProgramIds "
        "release=releaseId owner=ownerId parentCapability=parentId product=productId",
        filterable="additionalProgramIds additionalDevelopmentalStepIds additionalOperationalStepIds "
        "releaseVehicleIds productObjectiveIds countryIds testCategoryIds releaseVehicles additionalPrograms",
        slips=(
            "The article's example of $skip is /features?skip=220, against its own rule; $skip is sent.",
            "The article's example of an answer lacks a bracket and a comma.",
            COUNTRIES,
        ),
    ),
    _item(
        "story",
        "Story",
        "Stories",
        "stories story",
        numbers="points",
        dates="acceptedDate",
        links="ownerId:user featureId:feature programId:program teamId:team iterationId:iteration releaseId:release",
        ids="releaseVehicleIds:releasevehicle",
        expand="feature=featureId program=programId team=teamId iteration=iterationId release=releaseId "
        "owner=ownerId releaseVehicles=releaseVehicleIds",
        filterable="releaseVehicleIds",
    ),
    _item(
        "task",
        "Task",
        "Tasks",
        "tasks task",
        numbers="totalHours hoursLeft",
        links="ownerId:user storyId:story teamId:team",
        expand="story=storyId team=teamId owner=ownerId",
    ),
    _item(
        "defect",
        "Defect",
        "Defects",
        "defects defect",
        whole="severity",
        numbers="points",
        links="ownerId:user featureId:feature programId:program teamId:team iterationId:iteration",
        ids="releaseVehicleIds:releasevehicle",
        expand="feature=featureId program=programId team=teamId iteration=iterationId owner=ownerId "
        "releaseVehicles=releaseVehicleIds",
        filterable="releaseVehicleIds",
        slips=("The one example of a list that is filtered without expand: lists of ids need none.",),
    ),
    described(
        "risk",
        "Risk",
        "Risks",
        "risks risk",
        methods=ALL,
        whole="impact occurrence exposure rank",
        texts="title description status riskType consequence contingency mitigation relationship resolutionMethod "
        "resolutionStatus notify tags externalId externalKey",
        truths="criticalPath",
        dates="notifySendEmailDate targetResolutionDate closeDate",
        links="relatedItemId:feature releaseId:release ownerId:user closedBy:user",
        expand="owner=ownerId release=releaseId",
        stamped=True,
        slips=(CREATED,),
    ),
    described(
        "goal",
        "Goals",
        "Goals",
        "goals goal",
        methods=ALL,
        whole="type feasibility importance",
        texts="description marketAssessment reference",
        links="parentId:goal ownerId:user divisionId:division",
        ids="snapshotIds:snapshot",
        expand="owner=ownerId parent=parentId division=divisionId snapshots=snapshotIds",
        stamped=True,
        slips=("A goal has no title: its description tells which it is.", CREATED),
    ),
    described(
        "objective",
        "Objectives",
        "Objectives",
        "milestones objectives objective milestone",
        methods=ALL,
        whole="tier type status category health notificationFrequency",
        texts="name description notes blockedReason reference",
        numbers="plannedValue deliveredValue score",
        truths="isBlocked",
        dates="startInitiationDate portfolioAskDate targetCompletionDate endDate notificationStartDate",
        links="ownerId:user programId:program portfolioId:portfolio solutionId:program themeId:theme goalId:goal "
        "parentId:objective targetSyncSprintId:anchorsprint",
        ids="programIds:program releaseIds:release epicIds:epic capabilityIds:capability featureIds:feature "
        "impedimentIds riskIds:risk dependencyIds:dependency teamIds:team",
        parts="customFields",
        expand="owner=ownerId program=programId portfolio=portfolioId theme=themeId goal=goalId parent=parentId",
        filterable="programIds releaseIds epicIds capabilityIds featureIds impedimentIds riskIds dependencyIds",
        has_custom_fields=True,
        stamped=True,
        slips=(
            "The table of objects calls them Objectives, the article Milestone (Objective) at /milestones, and clients "
            "read /objectives as well: one object.",
            "No list of impediments is known.",
            CREATED,
        ),
    ),
    described(
        "keyresult",
        "Key Results",
        "Key results",
        "keyresults keyresult",
        methods=ALL,
        whole="parentType type",
        texts="description",
        numbers="baselineValue targetValue weight score",
        truths="isScoreOveridden",
        dates="targetDate",
        links="parentId:objective ownerId:user",
        expand="owner=ownerId objective=parentId",
        stamped=True,
        slips=("isScoreOveridden is Align's own spelling.", CREATED),
    ),
    described(
        "dependency",
        "Dependency",
        "Dependencies",
        "dependencies dependency",
        named_by=NamedBy.ARTICLE,
        texts="title description status",
        dates="needByDate",
        links="programId:program dependsOnProgramId:program requestingProgramId:program requestingTeamId:team "
        "featureId:feature releaseId:release ownerId:user",
        ids="personaIds competitorIds roadmapSnapshotIds:snapshot",
        expand="owner=ownerId program=programId dependsOnProgram=dependsOnProgramId feature=featureId "
        "release=releaseId",
        filterable="personaIds competitorIds roadmapSnapshotIds",
        stamped=True,
        slips=(
            "The article's example for /dependencies asks /products: the three lists are filtered at both.",
            "The table of objects does not name it.",
            CREATED,
        ),
    ),
    described(
        "idea",
        "Ideation (Ideas)",
        "Ideas",
        "ideas idea",
        methods="create read",
        whole="status groupId categoryId",
        texts="title description featureName",
        truths="isExternal isPublic",
        links="programId:program companyId:customer productId:product ownerId:user",
        expand="owner=ownerId product=productId company=companyId",
        stamped=True,
        slips=(CREATED,),
    ),
)
