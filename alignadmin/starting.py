"""What web and worker refuse to start with, each told in one line: what is wrong and what to do.

The settings and the database come first: nothing else can work without them.
"""

from __future__ import annotations

from django.conf import settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.db import Error as DatabaseFailure
from django.db import connection
from django.db.migrations.exceptions import InconsistentMigrationHistory
from django.db.migrations.loader import MigrationLoader

from alignadmin import own_settings

NO_SECRET_KEY = "SECRET_KEY is not set: give this installation a long random one, and the same one at each start."  # noqa: S105
NO_TABLES = "The database has no tables yet: run manage.py migrate."
OF_BEFORE = (
    "This database was made by a version that cannot be upgraded: the demo must be made anew. "
    "Choose another DATA_DIR or an empty database, and keep the old one as it is."
)
SITE_WINDOW = 60.0  # seconds, to which SITE_LIMIT belongs
LONGEST_REASON = 200


class CannotStart(Exception):
    """The message is one line for the operator."""


def refuse_before_loading() -> None:
    """What can be known before the apps are loaded. Raises CannotStart."""
    if own_settings.readable_by_others(settings.DATA_DIR):
        path = own_settings.file_in(settings.DATA_DIR)
        raise CannotStart(f"{path} holds keys and can be read by others. Let its owner alone read it: chmod 600 {path}")
    try:
        _ = settings.SECRET_KEY
    except ImproperlyConfigured as error:
        raise CannotStart(NO_SECRET_KEY) from error
    if why := wrong_budget():
        raise CannotStart(why)
    if why := unreachable():
        raise CannotStart(why)


def refuse() -> None:
    """Everything, once the apps are loaded: also tables that are missing and keys that open nothing."""
    from alignadmin import sealing
    from alignadmin.errors import SealError

    try:
        refuse_before_loading()
        sealing.keys()
        if why := lacking_tables():
            raise CannotStart(why)
        sealing.verify_stored()
    except SealError as error:
        raise CannotStart(str(error)) from error


def sentence_of(error: BaseException) -> str:
    """Why a command ended with this error, where it is one of these reasons; else nothing."""
    if isinstance(error, ImproperlyConfigured) and "SECRET_KEY" in str(error):
        return NO_SECRET_KEY
    is_of_database = isinstance(error, DatabaseFailure) or type(error).__module__.startswith("psycopg")
    if is_of_database:
        return unreachable() or lacking_tables()
    return lacking_tables() if isinstance(error, InconsistentMigrationHistory) and is_of_before() else ""


# -- the rate budget ---------------------------------------------------------------------------------------------------


def wrong_budget() -> str:
    """Of the settings alone; empty when they can work."""
    slots, reserved, window = settings.BUDGET_SLOTS, settings.BUDGET_RESERVED, settings.BUDGET_WINDOW
    if slots < 1 or window <= 0:
        return f"BUDGET_SLOTS is {slots} and BUDGET_WINDOW is {window:g}: both have to be more than 0."
    if not 0 <= reserved < slots:
        return f"BUDGET_RESERVED is {reserved}: it has to be smaller than BUDGET_SLOTS, which is {slots}."
    if not 1 <= settings.CATALOGUE_SHARE <= 100:
        return f"CATALOGUE_SHARE is {settings.CATALOGUE_SHARE}: it is a part in percent, from 1 to 100."
    most = int(settings.SITE_LIMIT * min(1.0, window / SITE_WINDOW))
    if slots <= most:
        return ""
    limit = f"Jira Align takes {settings.SITE_LIMIT} requests in {SITE_WINDOW:.0f} s and then blocks everybody"
    return f"BUDGET_SLOTS is {slots} in {window:g} s, but {limit}: set it to at most {most}."


def check(app_configs: object, **kwargs: object) -> list[checks.CheckMessage]:
    """A system check, so that `manage.py check` tells it before a start does."""
    why = wrong_budget()
    return [checks.Error(why, id="connectors.E002")] if why else []


# -- the database ------------------------------------------------------------------------------------------------------


def unreachable() -> str:
    try:
        connection.ensure_connection()
    except DatabaseFailure as error:
        return f"The database does not answer ({reason_of(error)}). Start it, or correct DATABASE_URL."
    return ""


def reason_of(error: DatabaseFailure) -> str:
    """The first line: PostgreSQL's driver gives several, and no password in any of them."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:LONGEST_REASON]


def lacking_tables() -> str:
    """Migrations of this version that the database has not seen."""
    if is_of_before():
        return OF_BEFORE
    loader = MigrationLoader(connection)
    if not loader.applied_migrations:
        return NO_TABLES
    lacking = sorted(key for key in loader.graph.nodes if key not in loader.applied_migrations)
    if not lacking:
        return ""
    number = "a migration" if len(lacking) == 1 else f"{len(lacking)} migrations"
    first = ".".join(lacking[0])
    return f"The database lacks {number} of this version, beginning with {first}: run manage.py migrate."


def is_of_before() -> bool:
    """Whether its tables are those from before people had an app of their own: no migration leads on from there."""
    tables = connection.introspection.table_names()
    return "connectors_person" in tables and "accounts_person" not in tables
