"""The objects of the small data set: one believable company, the same that the mappings belong to.

Ids that the published examples name exist here: epic 1001, release vehicles 17, 18 and 97, release 23, called unicorn.
Program ids 11, 12 and 13 are those of the Jira projects. The nine users have every pair of true, false and null.
"""

from collections.abc import Mapping
from functools import lru_cache

from . import external, fill
from .company_features import FEATURE_COLUMNS, FEATURES
from .table import Record, Rows

PEOPLE: Mapping[str, tuple[str, Rows]] = {
    "portfolio": (
        "id title",
        ((1, "Digital Commerce"), (2, "Technology"), (3, "Corporate"), (4, "Money"), (5, "Service")),
    ),
    "program": (
        "id title portfolioId regionId teamDescription",
        (
            (10, "Shared Services", 1, 1, "Runs what all need"),
            (11, "Commerce", 1, 2, None),
            (12, "Platform", 2, 1, "Keeps the lights on"),
            (13, "Corporate", 3, None, "Serves our own people"),
            (23, "Payments", 4, 3, "Moves the money"),
            (97, "Customer Care", 5, 2, "Answers the phone"),
        ),
    ),
    "team": (
        "id name programId programIds communityIds",
        (
            (101, "Cart", 11, [11], [1]),
            (102, "Search", 11, [10, 11], [1, 2]),
            (103, "Identity", 12, [12], [2]),
            (104, "Payroll", 13, [13], []),
            (105, "Refunds", 23, [23], [3]),
            (106, "Care", 97, [97], [1]),
            (107, "Tooling", None, [], []),
        ),
    ),
    "user": (
        "id uid firstName lastName fullName email isTimeTracking isLocked",
        (
            (1, 1, "Workspace", "Admin", "Workspace Admin", "admin@sandbox.test", True, False),
            (2, 2, "Ada", "Brook", "Ada Brook", "ada.brook@acme.test", True, True),
            (3, 3, "Ben", "Castillo", "Ben Castillo", "ben.castillo@acme.test", True, None),
            (4, 4, "Chloe", "Dahl", "Chloe Dahl", "chloe.dahl@acme.test", False, True),
            (5, 5, "Daniel", "Eriksen", "Daniel Eriksen", "daniel.eriksen@acme.test", False, False),
            (6, 6, "Emma", "Fischer", "Emma Fischer", "emma.fischer@acme.test", False, None),
            (7, 7, "Farid", "Gomez", "Farid Gomez", "farid.gomez@acme.test", None, True),
            (8, 8, "Grace", "Hughes", "Grace Hughes", "grace.hughes@acme.test", None, False),
            (9, 9, "Hiro", "Ito", "Hiro Ito", "hiro.ito@acme.test", None, None),
        ),
    ),
    "region": (
        "id name code",
        ((1, "Europe", "EU"), (2, "North America", "NA"), (3, "Asia", "AS"), (4, "Africa", "AF"), (5, "Oceania", None)),
    ),
    "city": (
        "id name regionId",
        ((1, "Berlin", 1), (2, "Boston", 2), (3, "Osaka", 3), (4, "Nairobi", 4), (5, "Porto", 1), (6, "Remote", None)),
    ),
    "customer": (
        "id name",
        ((1, "Northwind"), (2, "Globex"), (3, "Initech"), (4, "Umbrella Foods"), (5, "Stark Rail")),
    ),
    "division": (
        "id name",
        ((1, "Retail"), (2, "Engineering"), (3, "Finance"), (4, "Service"), (5, "People")),
    ),
    "costcenter": (
        "id name",
        ((1, "Retail"), (2, "Engineering"), (3, "Finance"), (4, "Service"), (5, "People")),
    ),
    "customhierarchy": (
        "id name",
        ((1, "Acme"), (2, "Acme Europe"), (3, "Acme America"), (4, "Acme Asia"), (5, "Acme Labs")),
    ),
    "domain": ("id name", ((1, "Shop"), (2, "Pay"), (3, "Care"), (4, "Identity"), (5, "Data"))),
}
TIMES: Mapping[str, tuple[str, Rows]] = {
    "release": (
        "id title portfolioId programIds productIds regionIds startDate endDate",
        (
            (1, "2026 Q1", 1, [10, 11], [1], [1], "2026-01-05T00:00:00Z", "2026-03-27T00:00:00Z"),
            (2, "2026 Q2", 1, [10, 12], [1, 2], [1, 2], "2026-03-30T00:00:00Z", "2026-06-19T00:00:00Z"),
            (3, "2026 Q3", 2, [13], [], [3], "2026-06-22T00:00:00Z", "2026-09-25T00:00:00Z"),
            (4, "2026 Q4", None, [], [3], [], "2026-09-28T00:00:00Z", None),
            (23, "unicorn", 3, [11, 97], [2], [1], None, "2026-12-18T00:00:00Z"),
        ),
    ),
    "releasevehicle": (
        "id name releaseId releaseName storyIds teamIds programIds",
        (
            (1, "Shop 7.0", 1, "2026 Q1", [1, 2], [101], [11]),
            (4, "Identity 2", 2, "2026 Q2", [3], [103], []),
            (17, "Shop 7.1", 1, "2026 Q1", [1, 5], [101, 102], [10, 11]),
            (18, "Tools", None, None, [], [], [10]),
            (97, "Refunds 1", 4, "2026 Q4", [6, 7], [105], [23]),
        ),
    ),
    "iteration": (
        "id title releaseId programId",
        (
            (1, "Sprint 1", 1, 11),
            (2, "Sprint 2", 1, 11),
            (3, "Sprint 3", 2, 12),
            (4, "Sprint 4", 2, None),
            (5, "Sprint 5", 3, 13),
            (6, "Sprint 6", None, 23),
        ),
    ),
    "anchorsprint": (
        "id title releaseId",
        ((1, "Anchor 1", 1), (2, "Anchor 2", 2), (3, "Anchor 3", 3), (4, "Anchor 4", 4), (5, "Anchor 5", None)),
    ),
    "product": (
        "id title personaIds competitorIds roadmapSnapshotIds",
        (
            (1, "Web shop", [1, 2], [23], [1]),
            (2, "Mobile app", [3], [23, 24], []),
            (3, "Refund desk", [], [5], [2]),
            (4, "Help centre", [1], [], [1, 2]),
            (5, "Payroll", [], [], []),
        ),
    ),
    "snapshot": (
        "id title",
        ((1, "2026"), (2, "2026 first half"), (3, "2026 second half"), (4, "Long term"), (5, "Regulation")),
    ),
    "loginactivity": (
        "id userId loginTimeUtc action ip",
        (
            (1, 2, "2020-09-01T07:58:12Z", "Login", "192.0.2.10"),
            (2, 2, "2020-09-02T11:16:46Z", "Logout", "192.0.2.10"),
            (3, 3, "2020-09-02T11:16:47Z", "Logout", "192.0.2.11"),
            (4, 4, "2020-09-05T06:30:00Z", "Login", "192.0.2.12"),
            (5, 5, "2020-09-08T11:16:45Z", "Failed", None),
            (6, 3, "2020-09-08T11:16:46Z", "Login", "192.0.2.11"),
            (7, None, "2026-01-07T10:00:00Z", None, "192.0.2.99"),
            (8, 1, None, "Login", "192.0.2.1"),
        ),
    ),
    "board": (
        "id connectorId boardName programId teamId teamName",
        (
            (1, 123, "Cart board", 11, 101, "Cart"),
            (2, 123, "Search board", 11, 102, "Search"),
            (3, 123, "Identity board", 12, 103, "Identity"),
            (4, 123, "Payroll board", 13, 104, "Payroll"),
            (5, 123, "Old board", None, None, None),
        ),
    ),
    "teammapping": (
        "id connectorId teamId programId",
        ((1, 123, 101, 11), (2, 123, 102, 11), (3, 123, 103, 12), (4, 123, 105, 23), (5, 123, None, None)),
    ),
}
WORK: Mapping[str, tuple[str, Rows]] = {
    "theme": (
        "id title programIds releaseIds",
        (
            (31, "Grow online", [11], [1]),
            (32, "Run reliably", [10, 12], [2, 23]),
            (33, "Less paper", [13], [23]),
            (34, "Fair refunds", [23], [3]),
            (35, "Happy callers", [], []),
        ),
    ),
    "epic": (
        "id title primaryProgramId themeId releaseIds additionalProgramIds",
        (
            (1001, "Guest checkout", 11, 31, [1], [23]),
            (1002, "One identity", 12, 32, [1, 2], [10, 97]),
            (1003, "Paperless payroll", 13, 33, [23], []),
            (1004, "Instant refunds", 23, 34, [], [11]),
            (1005, "Self-service help", 97, 35, [3, 4], [23]),
            (1006, "Test environments", 10, None, [2], []),
        ),
    ),
    "capability": (
        "id title epicId programId releaseIds additionalProgramIds affectedCountryIds",
        (
            (301, "Address book", 1001, 11, [1], [23], [23, 40]),
            (302, "Single sign-on", 1002, 12, [2], [], [40]),
            (303, "Digital payslips", 1003, 13, [23], [97], []),
            (304, "Refund rules", 1004, 23, [], [], [23]),
            (305, "Help centre", 1005, 97, [3], [11], [7]),
            (306, "Data masking", None, 10, [2], [], []),
        ),
    ),
    "story": (
        "id title featureId programId teamId iterationId releaseId points releaseVehicleIds",
        (
            (1, "Keep an address", 201, 11, 101, 1, 1, 3, [1, 17]),
            (2, "Choose an address", 201, 11, 101, 2, 1, 5, [1]),
            (3, "Accept the token of the shop", 203, 12, 103, 3, 2, 8, [4]),
            (4, "Order a test account", 204, 10, 107, None, 2, 2, []),
            (5, "Find a street by its beginning", 202, 11, 102, 2, 1, 5, [17]),
            (6, "Book a refund to a gift card", 206, 23, 105, 6, 3, 3, [97]),
            (7, "Tell the customer about the refund", 206, 23, 105, 6, 3, 1, [97]),
            (8, "Show the last ten calls", 207, 97, 106, None, 4, None, []),
            (9, "Hand over from chat to phone", 208, 97, 106, None, None, 13, []),
            (10, "Search in old payslips", None, 13, None, 5, 23, 2, []),
        ),
    ),
    "task": (
        "id title storyId",
        (
            (1, "Write the form", 1),
            (2, "Write the service", 1),
            (3, "Test with a screen reader", 2),
            (4, "Rotate the key", 3),
            (5, "Write the runbook", 4),
            (6, "Measure the answer time", 5),
            (7, "Book by hand once", 6),
            (8, "Agree on the text", 7),
        ),
    ),
    "defect": (
        "id title featureId programId teamId iterationId severity releaseVehicleIds",
        (
            (401, "Umlauts are lost", 201, 11, 101, 1, 2, [17, 97]),
            (402, "Signed out after a minute", 203, 12, 103, 3, 1, [4]),
            (403, "Refund booked twice", 206, 23, 105, 6, 1, [97]),
            (404, "Chat window is empty", 208, 97, None, None, 3, []),
            (405, "Old payslip has no total", None, 13, 104, 5, None, []),
        ),
    ),
    "goal": (
        "id description",
        (
            (1, "Half of all orders are made online"),
            (2, "No outage longer than an hour"),
            (3, "No letters to our own people"),
            (4, "Refunds within a day"),
            (5, "Nine of ten callers are content"),
        ),
    ),
    "objective": (
        "id name programId programIds releaseIds epicIds capabilityIds featureIds impedimentIds riskIds dependencyIds",
        (
            (10, "Checkout in three clicks", 11, [11, 23], [1], [1001], [301], [201, 202], [1], [1], [1]),
            (11, "Addresses are right", 11, [11], [1, 2], [1001], [301], [202], [], [], [2]),
            (12, "One sign-in for all", 12, [12], [2], [1002], [302], [203], [2], [2], []),
            (13, "Payslips online", 13, [13], [23], [1003], [303], [205], [], [3], [3]),
            (14, "Refunds are instant", 23, [23], [3], [1004], [304], [206, 209], [1, 2], [], []),
            (15, "Help without waiting", None, [], [], [], [], [], [], [4], [4]),
        ),
    ),
    "keyresult": (
        "id description parentId",
        (
            (1, "Clicks to order", 10),
            (2, "Wrong addresses", 11),
            (3, "Accounts merged", 12),
            (4, "Payslips read online", 13),
            (5, "Minutes until a refund", 14),
            (6, "Minutes in the queue", None),
        ),
    ),
    "risk": (
        "id title relatedItemId releaseId",
        (
            (1, "The address service is slow", 202, 1),
            (2, "Old accounts have no mail", 203, 2),
            (3, "The archive is full", 205, 23),
            (4, "No agents in August", 208, 3),
            (5, "The bank changes its format", None, None),
        ),
    ),
    "dependency": (
        "id title programId dependsOnProgramId featureId releaseId personaIds competitorIds roadmapSnapshotIds",
        (
            (1, "Token service", 11, 12, 201, 1, [1], [23], [1]),
            (2, "Street register", 11, 10, 202, 1, [2], [], [2]),
            (3, "Archive space", 13, None, 205, 23, [], [24], []),
            (4, "Caller's account", 97, 12, 207, 4, [1, 3], [23, 24], [1, 3]),
            (5, "Gift cards", None, 11, None, None, [], [], []),
        ),
    ),
    "idea": (
        "id title productId",
        (
            (1, "Dark mode", 1),
            (2, "Pay by invoice", 1),
            (3, "Offline basket", 2),
            (4, "Fax", None),
            (5, "Voice help", 4),
        ),
    ),
}
ROWS: Mapping[str, tuple[str, Rows]] = {**PEOPLE, **TIMES, **WORK, "feature": (FEATURE_COLUMNS, FEATURES)}


@lru_cache(maxsize=1)
def data() -> Mapping[str, Mapping[int, Record]]:
    """By object and id, made once in a process: nobody changes a record, a changed one takes its place."""
    ids = {key: tuple(row[0] for row in rows) for key, (_, rows) in ROWS.items()}
    maker = fill.Maker(ids)
    held = {key: maker.records(key, columns, rows) for key, (columns, rows) in ROWS.items()}
    external.link(held, large=False)
    return held
