"""The objects of people, places and time, as Align's table of objects and its article on queries have them."""

from .table import ObjectType, define
from .work_objects import CREATED, STAMPS

UPDATED = "lastUpdatedDate date ="

COMPANY: tuple[ObjectType, ...] = (
    define(
        "portfolio",
        "Portfolio",
        "portfolios portfolio",
        f"""
        title text !
        description text
        divisionId int -> division
        regionId int -> region
        teamId int -> team
        teamDescription text
        scoreCardId int
        intakeFormId int
        caseDevelopmentId int
        isActive bool
        isPrivate bool
        {UPDATED}""",
        methods="CR",
        expands="division=divisionId region=regionId team=teamId",
        scope="id",
    ),
    define(
        "program",
        "Program",
        "programs program",
        f"""
        title text !
        portfolioId int ! -> portfolio
        solutionId int -> program
        isSolution bool
        teamId int -> team
        teamDescription text
        regionId int -> region
        scoreCardId int
        intakeFormId int
        caseDevelopmentId int
        {UPDATED}""",
        methods="CRU",
        expands="portfolio=portfolioId solution=solutionId region=regionId team=teamId",
        scope="portfolioId",
    ),
    define(
        "team",
        "Team",
        "teams team",
        f"""
        name text !
        shortName text
        description text
        type int
        isActive bool
        isKanbanTeam bool
        ownerId int -> user
        regionId int -> region
        programId int -> program
        programIds ints -> program
        communityIds ints
        sprintPrefix text
        trackBy int
        maxAllocation int
        throughput number
        allowTaskDeletion bool
        allowTeamToRunStandup bool
        enableAutoEstimate bool
        autoEstimateValue number
        createDate date =
        {UPDATED}""",
        methods="CRU",
        expands="owner=ownerId program=programId region=regionId programs=programIds",
        collections="communityIds",
        aliases="createddate=createDate",
        scope="programId",
        remarks=("communityIds: no source shows a list of communities.", CREATED),
    ),
    define(
        "user",
        "User",
        "users user",
        f"""
        uid int =
        firstName text !
        lastName text !
        fullName text =
        email text !
        title text
        status text
        roleId int
        regionId int -> region
        cityId int -> city
        costCenterId int -> costcenter
        divisionId int -> division
        managerId int -> user
        companyId int -> customer
        company text
        employeeId text
        employeeClassification text
        userType text
        timeZone text
        notes text
        isExternal bool
        externalId text
        connectorId int
        isLocked bool
        isTimeTracking bool
        timeTrackingRoles text
        timeTrackingStartDate date
        timeApproverId int -> user
        isComplianceManager bool
        isUserManager bool
        includeHours bool
        viewPublicErs bool
        holidayRegionId int -> region
        holidayCityId int -> city
        enterpriseHierarchyId int -> customhierarchy
        userStartDate date
        userEndDate date
        lastLoginDate date =
        teams ints -> team
        createDate date =
        {UPDATED}""",
        methods="CRU",
        expands="region=regionId city=cityId manager=managerId costCenter=costCenterId",
        aliases="createddate=createDate",
        remarks=("No collection of users can be filtered, as the article says itself.", CREATED),
    ),
    define(
        "release",
        "Release (Program Increment)",
        "releases release",
        f"""
        title text !
        shortName text
        description text
        type int
        status int
        health int
        scheduleType int
        roadmap bool
        releaseNumber text
        testSuite text
        budget number
        blendedHourlyRate number
        score1 number
        score2 number
        score3 number
        score4 number
        startDate date
        endDate date
        portfolioId int -> portfolio
        divisionId int -> division
        predecessorId int -> release
        programIds ints -> program
        productIds ints -> product
        regionIds ints -> region
        anchorSprintIds ints -> anchorsprint
        {STAMPS}""",
        methods="CRU",
        expands="programs=programIds products=productIds regions=regionIds portfolio=portfolioId "
        "predecessor=predecessorId",
        collections="programIds productIds regionIds anchorSprintIds",
        entities="programs products regions",
        aliases="createddate=createDate",
        scope="portfolioId",
        remarks=(CREATED,),
    ),
    define(
        "releasevehicle",
        "Release Vehicles",
        "releasevehicles releasevehicle",
        f"""
        name text !
        releaseId int -> release
        releaseName text =
        ownerId int -> user
        status int
        type int
        health int
        startDate date
        shipDate date
        goLiveDate date
        closedDate date
        storiesCount int =
        storiesPercentComplete number =
        contributingTeamsCount int =
        contributingProgramsCount int =
        storyIds ints -> story
        teamIds ints -> team
        programIds ints -> program
        portfolioIds ints -> portfolio
        connectorId int
        externalId text
        externalProjectId text
        jiraProjectKey text
        isTimeTrackingOnly bool
        createDate date =
        {UPDATED}""",
        methods="CRU",
        expands="release=releaseId owner=ownerId",
        collections="teamIds programIds storyIds",
        aliases="createddate=createDate",
        scope="programIds",
        remarks=(CREATED,),
    ),
    define(
        "iteration",
        "Iteration (Sprint)",
        "iterations iteration",
        f"""
        title text !
        shortName text
        description text
        goal text
        state int
        type int
        schedule text
        color text
        releaseId int -> release
        teamId int -> team
        programId int -> program
        regionId int -> region
        anchorSprintId int -> anchorsprint
        beginDate date
        endDate date
        actualEndDate date
        isLocked bool
        maxAllocation int
        defectAllocation int
        overrideVelocity int
        regressionHours number
        createDate date =
        {UPDATED}""",
        methods="CRU",
        expands="release=releaseId team=teamId program=programId",
        aliases="createddate=createDate",
        scope="programId",
        remarks=(CREATED,),
    ),
    define(
        "product",
        "Product",
        "products product",
        f"""
        title text !
        shortName text
        isActive bool
        parentProductId int -> product
        divisionId int -> division
        personaIds ints
        competitorIds ints
        roadmapSnapshotIds ints -> snapshot
        {UPDATED}""",
        methods="CRU",
        expands="parentProduct=parentProductId division=divisionId",
        collections="personaIds competitorIds roadmapSnapshotIds",
        remarks=("The article lists its three collections under /dependencies, with an example that asks /products.",),
    ),
    define(
        "snapshot",
        "Snapshots",
        "snapshots snapshot",
        f"""
        title text !
        description text
        ownerId int -> user
        startDate date
        endDate date
        budget number
        horizonPercentage1 int
        horizonPercentage2 int
        horizonPercentage3 int
        productIds ints -> product
        releaseIds ints -> release
        divisionIds ints -> division
        teamMemberIds ints -> user
        enableSnapshotNotification bool
        enableStrategyNotification bool
        {UPDATED}""",
        methods="CRU",
        expands="owner=ownerId products=productIds releases=releaseIds divisions=divisionIds",
    ),
    define(
        "valuestream",
        "Value Streams (Process Flows)",
        "ValueStreams valuestream",
        f"""
        name text !
        level text !
        teamId int -> team
        teamDescription text
        regionId int -> region
        isActive bool
        mapToState bool =
        programIds ints -> program
        customerIds ints -> customer
        processSteps objects
        {UPDATED}""",
        methods="CR",
        collections="programIds",
        remarks=(
            "The article lists no collection of it; programIds can be filtered here all the same.",
            "From Align 10.108 on; clients write it /ValueStreams.",
            "No source shows what stands in processSteps: the switch step_shape.",
        ),
    ),
    define("customer", "Customer", "customers customer", f"name text !\n{UPDATED}", methods="CR"),
    define("region", "Region", "regions region", f"name text !\ncode text\nflag text\n{UPDATED}", methods="CRU"),
    define(
        "city",
        "City",
        "cities city",
        f"name text !\nregionId int -> region\nimage text\napplyTimeTracking bool\n{UPDATED}",
        methods="CRU",
        expands="region=regionId",
    ),
    define(
        "loginactivity",
        "Login",
        "loginactivities loginactivity",
        """
        description text
        userId int -> user
        loginTimeUtc date
        rpmType text
        action text
        realUserUid int -> user
        ip text
        """,
        remarks=(
            "Named in the article alone, with eight properties; it is read only here.",
            "Its example writes orderBy without the dollar sign: see the switch bare_options.",
        ),
    ),
)
