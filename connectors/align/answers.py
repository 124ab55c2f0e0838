"""Where Align's API is, and what of a write's answer tells the new record."""

from urllib.parse import urlsplit

from alignadmin.http.responses import Answer
from alignadmin.parsing import whole

API = "/rest/align/api/2"


def created_id(answer: Answer) -> int | None:
    """The id of a created record: an object with an id, a bare id as number or text, or the Location's last part."""
    data: object = answer.data.get("id") if isinstance(answer.data, dict) else answer.data
    location = urlsplit(answer.headers.get("location", "")).path
    for candidate in (data, answer.text, location.rstrip("/").rpartition("/")[2]):
        if (number := whole(candidate)) is not None:
            return number
    return None
