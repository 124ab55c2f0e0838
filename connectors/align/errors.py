"""What can go wrong with Jira Align: the shared tree under its Align names, and Align's wording.

RemoteError                  status, sentence, detail (Align's own text), permanent
|-- BadRequest               400 and 409 alike: Align's reason is in detail, shown beside the row
|-- SignInRefused            401: the token
|-- Forbidden                403: a right of the token's owner
|-- NotFound                 404: on PUT and DELETE the record is gone; read again
|-- RateLimited              429 for longer than our patience
|-- ServerFailed             5xx on a read
|-- Unreachable              no answer at all
|-- NotJson                  not the API: a web page, a redirect, truncated
|   `-- Malformed            a record without its fields, or pages that overlap
|-- AddressRefused           our address guard
|-- ReadOnlyRefused          our guard against writing while reading
`-- OutcomeUnknown           a write that may or may not have taken effect
"""

from alignadmin.http.errors import (
    AddressRefused,
    BadRequest,
    Forbidden,
    Malformed,
    NotFound,
    NotJson,
    OutcomeUnknown,
    RateLimited,
    ReadOnlyRefused,
    RemoteError,
    ServerFailed,
    SignInRefused,
    Unreachable,
)
from alignadmin.http.responses import Wording

__all__ = [
    "ALIGN_WORDING",
    "AddressRefused",
    "BadRequest",
    "Forbidden",
    "Malformed",
    "NotFound",
    "NotJson",
    "OutcomeUnknown",
    "RateLimited",
    "ReadOnlyRefused",
    "RemoteError",
    "ServerFailed",
    "SignInRefused",
    "Unreachable",
]

ALIGN_WORDING = Wording(
    system="Jira Align",
    sign_in=(
        "The API token is wrong, replaced or belongs to a deactivated user. Make a new one in Jira Align under "
        "your profile, Edit Profile, API Token; where people sign in with Atlassian Guard, make an Atlassian API "
        "token at id.atlassian.com and enter it with the user name."
    ),
    right=(
        "The owner of the token needs the system role right Jira Settings, not in read-only mode, and must be "
        "among the connector's Admins (Jira Align, Settings, Connectors, Jira Settings)."
    ),
    missing="Check the site and the connector id, and that the project is synchronised by this connector.",
)
