"""All objects of the table, by key and by each spelling of their address."""

from collections.abc import Mapping

from .company_objects import COMPANY
from .plan_objects import PLANS
from .reference_objects import REFERENCE
from .table import ObjectType, by_path
from .work_objects import WORK

OBJECTS: Mapping[str, ObjectType] = {each.key: each for each in (*WORK, *PLANS, *COMPANY, *REFERENCE)}
BY_PATH: Mapping[str, ObjectType] = by_path(OBJECTS.values())
BELOW_CONNECTOR: Mapping[str, ObjectType] = {
    each.path.lower(): each for each in OBJECTS.values() if each.under_connector
}
# Where a filter is on programs inside any(), the article excludes these two of their fields.
NOT_OF_A_PROGRAM = frozenset({"teamdescription", "regionid"})
