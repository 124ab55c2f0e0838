"""The objects of planning: risks, goals, objectives with their key results, dependencies and ideas.

Sources as in the table of work; Dependency is in the article on queries alone.
"""

from .table import ObjectType, define
from .work_objects import CREATED, STAMPS

PLANS: tuple[ObjectType, ...] = (
    define(
        "risk",
        "Risk",
        "risks risk",
        f"""
        title text !
        description text
        status text
        riskType text
        relatedItemId int -> feature
        releaseId int -> release
        ownerId int -> user
        impact int
        occurrence int
        exposure int
        rank int
        consequence text
        contingency text
        mitigation text
        relationship text
        resolutionMethod text
        resolutionStatus text
        criticalPath bool
        notify text
        notifySendEmailDate date
        targetResolutionDate date
        closeDate date
        closedBy int -> user
        tags text
        externalId text
        externalKey text
        {STAMPS}""",
        methods="CRU",
        expands="owner=ownerId release=releaseId",
        aliases="createddate=createDate",
        scope="relatedItemId",
        remarks=(CREATED,),
    ),
    define(
        "goal",
        "Goals",
        "goals goal",
        f"""
        description text !
        type int
        parentId int -> goal
        ownerId int -> user
        divisionId int -> division
        feasibility int
        importance int
        marketAssessment text
        reference text
        snapshotIds ints -> snapshot
        {STAMPS}""",
        methods="CRU",
        expands="owner=ownerId parent=parentId division=divisionId snapshots=snapshotIds",
        aliases="createddate=createDate",
        remarks=("A goal has no title: clients read its description.", CREATED),
    ),
    define(
        "objective",
        "Objectives",
        "milestones objectives objective milestone",
        f"""
        name text !
        description text
        tier int
        type int
        status int
        category int
        health int
        notes text
        ownerId int -> user
        programId int -> program
        portfolioId int -> portfolio
        solutionId int -> program
        themeId int -> theme
        goalId int -> goal
        parentId int -> objective
        targetSyncSprintId int -> anchorsprint
        isBlocked bool
        blockedReason text
        plannedValue number
        deliveredValue number
        score number
        startInitiationDate date
        portfolioAskDate date
        targetCompletionDate date
        endDate date
        notificationStartDate date
        notificationFrequency int
        reference text
        programIds ints -> program
        releaseIds ints -> release
        epicIds ints -> epic
        capabilityIds ints -> capability
        featureIds ints -> feature
        impedimentIds ints
        riskIds ints -> risk
        dependencyIds ints -> dependency
        teamIds ints -> team
        customFields objects =
        {STAMPS}""",
        methods="CRU",
        expands="owner=ownerId program=programId portfolio=portfolioId theme=themeId goal=goalId parent=parentId",
        collections="programIds releaseIds epicIds capabilityIds featureIds impedimentIds riskIds dependencyIds",
        aliases="createddate=createDate",
        custom_fields=True,
        scope="programId",
        remarks=(
            "The table of objects says Objectives, the article Milestone (Objective) at /milestones: one object, both "
            "addresses.",
            "impedimentIds: no source shows a list of impediments.",
            CREATED,
        ),
    ),
    define(
        "keyresult",
        "Key Results",
        "keyresults keyresult",
        f"""
        description text !
        parentId int -> objective
        parentType int
        type int
        baselineValue number
        targetValue number
        weight number
        score number
        isScoreOveridden bool
        targetDate date
        ownerId int -> user
        {STAMPS}""",
        methods="CRU",
        expands="owner=ownerId objective=parentId",
        aliases="createddate=createDate",
        scope="parentId",
        remarks=("isScoreOveridden is how sites spell it.", CREATED),
    ),
    define(
        "dependency",
        "Dependency",
        "dependencies dependency",
        f"""
        title text !
        description text
        status text
        programId int -> program
        dependsOnProgramId int -> program
        featureId int -> feature
        releaseId int -> release
        ownerId int -> user
        needByDate date
        personaIds ints
        competitorIds ints
        roadmapSnapshotIds ints -> snapshot
        {STAMPS}""",
        expands="owner=ownerId program=programId dependsOnProgram=dependsOnProgramId feature=featureId "
        "release=releaseId",
        collections="personaIds competitorIds roadmapSnapshotIds",
        aliases="createddate=createDate",
        scope="programId",
        remarks=(
            "Named in the article alone, whose example for /dependencies asks /products: the three collections can be "
            "filtered at both.",
            "It is not in the table of objects, so it is read only.",
            CREATED,
        ),
    ),
    define(
        "idea",
        "Ideation (Ideas)",
        "ideas idea",
        f"""
        title text !
        description text
        status int
        groupId int
        categoryId int
        companyId int -> customer
        productId int -> product
        ownerId int -> user
        isExternal bool
        isPublic bool
        {STAMPS}""",
        methods="CR",
        expands="owner=ownerId product=productId company=companyId",
        aliases="createddate=createDate",
        remarks=("One public client reads /ideas/{id}/auditlog.", CREATED),
    ),
)
