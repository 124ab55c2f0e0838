"""The objects of work, as Align's table of objects and its article on queries have them.

Addresses, methods and collections are published. Field names are those of the article's examples and those that public
clients read from real sites; a site may have more of them.
"""

from .table import ObjectType, define

STAMPS = """
createdBy int = -> user
createDate date =
lastUpdatedBy int = -> user
lastUpdatedDate date =
"""
# Of what may come from Jira.
EXTERNAL = """
connectorId int
externalId text
externalKey text
externalProject text
jiraProjectKey text
isExternal bool
isRecycled bool
"""
PROGRESS = """
title text !
description text
state int
processStepId int
processStepName text =
priority int
ownerId int -> user
isBlocked bool
blockedReason text
startInitiationDate date
targetCompletionDate date
customFields objects =
"""
CREATED = "The article filters by createdDate, clients read createDate: both spellings are taken in a query."
NO_LIST = "countryIds: no source shows a list of countries, so these ids cannot be looked up."
RECYCLED = "No DELETE is published; whether isRecycled can be set is the switch recycle."

WORK: tuple[ObjectType, ...] = (
    define(
        "theme",
        "Theme",
        "themes theme",
        f"""{PROGRESS}
        isActive bool
        isMajor bool
        strategic bool
        reportColor text
        plannedBudget number
        themeGroupId int
        goalId int -> goal
        programIds ints -> program
        releaseIds ints -> release
        portfolioAskDate date
        {EXTERNAL}{STAMPS}""",
        methods="CRU",
        expands="programs=programIds releases=releaseIds owner=ownerId goal=goalId",
        collections="programIds releaseIds",
        entities="programs releases",
        aliases="createddate=createDate",
        custom_fields=True,
        scope="programIds",
        remarks=(
            "The article heads it /theme and its example asks /themes: both answer.",
            "The article's list puts the entities programs and releases among the ids.",
            CREATED,
        ),
    ),
    define(
        "epic",
        "Epic",
        "epics epic",
        f"""{PROGRESS}
        parentId int -> epic
        themeId int -> theme
        primaryProgramId int ! -> program
        productId int -> product
        points number
        budget number
        releaseIds ints -> release
        additionalProgramIds ints -> program
        additionalDevelopmentalStepIds ints
        additionalOperationalStepIds ints
        {EXTERNAL}{STAMPS}""",
        methods="CRU",
        expands="releases=releaseIds additionalPrograms=additionalProgramIds primaryProgram=primaryProgramId "
        "theme=themeId product=productId owner=ownerId parent=parentId",
        collections="releaseIds additionalProgramIds additionalDevelopmentalStepIds additionalOperationalStepIds",
        entities="releases additionalPrograms",
        aliases="createddate=createDate",
        custom_fields=True,
        scope="primaryProgramId",
        remarks=(
            "The overview's example of an address is singular: /epic/1001. Both answer.",
            CREATED,
            RECYCLED,
        ),
    ),
    define(
        "capability",
        "Capability",
        "capabilities capability",
        f"""{PROGRESS}
        epicId int -> epic
        programId int ! -> program
        productId int -> product
        points number
        releaseIds ints -> release
        additionalProgramIds ints -> program
        affectedCountryIds ints
        {EXTERNAL}{STAMPS}""",
        methods="CRU",
        expands="releases=releaseIds additionalPrograms=additionalProgramIds program=programId epic=epicId "
        "product=productId owner=ownerId",
        collections="releaseIds additionalProgramIds affectedCountryIds",
        entities="releases additionalPrograms",
        aliases="createddate=createDate",
        custom_fields=True,
        scope="programId",
        remarks=("Public clients read one of it in the singular: /Capability/{id}.", NO_LIST, CREATED, RECYCLED),
    ),
    define(
        "feature",
        "Feature",
        "features feature",
        f"""{PROGRESS}
        parentId int -> capability
        epicId int -> epic
        programId int ! -> program
        releaseId int -> release
        productId int -> product
        points number
        businessValue int
        acceptedDate date
        releaseVehicleIds ints -> releasevehicle
        additionalProgramIds ints -> program
        additionalDevelopmentalStepIds ints
        additionalOperationalStepIds ints
        productObjectiveIds ints -> objective
        countryIds ints
        testCategoryIds ints
        {EXTERNAL}{STAMPS}""",
        methods="CRU",
        expands="releaseVehicles=releaseVehicleIds program=programId additionalPrograms=additionalProgramIds "
        "release=releaseId owner=ownerId parentCapability=parentId product=productId",
        collections="additionalProgramIds additionalDevelopmentalStepIds additionalOperationalStepIds "
        "releaseVehicleIds productObjectiveIds countryIds testCategoryIds",
        entities="releaseVehicles additionalPrograms",
        aliases="createddate=createDate",
        custom_fields=True,
        scope="programId",
        remarks=(
            "The published example of its answer lacks a bracket and two commas.",
            "The published example /features?skip=220 lacks the dollar sign: see the switch bare_options.",
            "teamDescription and regionId of a program cannot be filtered by inside any().",
            NO_LIST,
            CREATED,
            RECYCLED,
        ),
    ),
    define(
        "story",
        "Story",
        "stories story",
        f"""{PROGRESS}
        featureId int -> feature
        programId int ! -> program
        teamId int -> team
        iterationId int -> iteration
        releaseId int -> release
        points number
        acceptedDate date
        releaseVehicleIds ints -> releasevehicle
        {EXTERNAL}{STAMPS}""",
        methods="CRU",
        expands="feature=featureId program=programId team=teamId iteration=iterationId release=releaseId "
        "owner=ownerId releaseVehicles=releaseVehicleIds",
        collections="releaseVehicleIds",
        aliases="createddate=createDate",
        custom_fields=True,
        scope="programId",
        remarks=(CREATED, RECYCLED),
    ),
    define(
        "task",
        "Task",
        "tasks task",
        f"""{PROGRESS}
        storyId int ! -> story
        teamId int -> team
        totalHours number
        hoursLeft number
        {EXTERNAL}{STAMPS}""",
        methods="CRU",
        expands="story=storyId team=teamId owner=ownerId",
        aliases="createddate=createDate",
        custom_fields=True,
        scope="storyId",
        remarks=(CREATED, RECYCLED),
    ),
    define(
        "defect",
        "Defect",
        "defects defect",
        f"""{PROGRESS}
        featureId int -> feature
        programId int ! -> program
        teamId int -> team
        iterationId int -> iteration
        severity int
        points number
        releaseVehicleIds ints -> releasevehicle
        {EXTERNAL}{STAMPS}""",
        methods="CRU",
        expands="feature=featureId program=programId team=teamId iteration=iterationId owner=ownerId "
        "releaseVehicles=releaseVehicleIds",
        collections="releaseVehicleIds",
        aliases="createddate=createDate",
        custom_fields=True,
        scope="programId",
        remarks=("The only published example of any() that asks for no expand.", CREATED, RECYCLED),
    ),
)
