"""Lists that the documents do not name and that public clients read, most of them with the fields they read."""

from .company_objects import UPDATED
from .table import ObjectType, define
from .work_objects import STAMPS

CLIENTS = "Not in the documents: public clients read this list. It is read only here, and its fields may differ."

REFERENCE: tuple[ObjectType, ...] = (
    define(
        "costcenter",
        "Cost Center",
        "CostCenters costcenter",
        "name text\nidentifier text\ndescription text\nhourlyRate number\nownerId int -> user\nregionId int -> region",
        remarks=(CLIENTS,),
    ),
    define(
        "division",
        "Division",
        "divisions division",
        f"""
        name text
        companyCode text
        costCenter text
        costCenterName text
        divisionCategory int
        divisionCategoryName text
        parentId int -> division
        parentName text
        productId int -> product
        productName text
        {STAMPS}""",
        remarks=(CLIENTS,),
    ),
    define("domain", "Domain", "Domains domain", f"name text\nisActive bool\n{UPDATED}", remarks=(CLIENTS,)),
    define(
        "anchorsprint",
        "Anchor Sprint",
        "AnchorSprints anchorsprint",
        f"title text\nshortName text\nreleaseId int -> release\nbeginDate date\nendDate date\n{UPDATED}",
        remarks=(CLIENTS,),
    ),
    define(
        "customhierarchy",
        "Custom Hierarchy",
        "CustomHierarchies customhierarchy",
        f"name text\nlevel int\nparentId int -> customhierarchy\nownerId int -> user\n{UPDATED}",
        remarks=(CLIENTS,),
    ),
    define(
        "workitem",
        "Work Item",
        "WorkItems workitem",
        f"""
        itemType text
        itemId int
        title text
        state int
        ownerId int -> user
        programId int -> program
        {UPDATED}""",
        scope="programId",
        remarks=(CLIENTS, "One row for each epic, capability, feature, story, task and defect."),
    ),
    define(
        "board",
        "Board of a connector",
        "boards",
        f"""
        connectorId int
        boardId int
        boardName text
        programId int -> program
        teamId int -> team
        teamName text
        areSprintsEnabled bool
        originSprints text
        errorMessage text
        {STAMPS}""",
        under_connector=True,
        scope="programId",
        remarks=(CLIENTS,),
    ),
    define(
        "teammapping",
        "Team mapping of a connector",
        "TeamMappings",
        f"""
        connectorId int
        jiraTeamId text
        jiraTeamName text
        teamId int -> team
        programId int -> program
        {STAMPS}""",
        expands="team=teamId program=programId",
        under_connector=True,
        scope="programId",
        remarks=(CLIENTS,),
    ),
)
