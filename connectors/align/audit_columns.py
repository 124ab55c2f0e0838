"""What the four columns of Align's audit log are called: in the log itself, over the API, and in people's exports.

In lower case and letters alone, the log's own name first. No document names them: `auditTimeStamp` and `details` are of
the one public sight of such a log over the API, where the latter is HTML.
"""

from __future__ import annotations

from collections.abc import Mapping

NAMES: Mapping[str, tuple[str, ...]] = {
    "type": ("type", "audittype", "auditlogtype", "logtype", "objecttype", "itemtype", "category"),
    "user": (
        "user", "username", "auditusername", "audituser", "changedby", "modifiedby", "updatedby", "createdby",
        "author", "fullname", "by",
    ),
    "timestamp": (
        "timestamp", "audittimestamp", "auditdate", "datetime", "dateandtime", "datetimestamp", "date", "time", "when",
        "changedate", "changeddate", "changedat", "changedon", "createdate", "createddate", "createdat", "createdon",
        "logdate",
    ),
    "description": (
        "description", "details", "detail", "auditdetails", "message", "text", "changes", "change", "event",
    ),
}  # fmt: skip
MARKUP = frozenset({"details", "detail", "auditdetails"})  # seen as HTML
