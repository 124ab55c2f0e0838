"""What Jira's answers carry beside their body: who was signed in, the number of the request, its limits, and gzip.

The limits are those of a site that is hardly used: the sandbox's Jira never refuses a request for its rate.
"""

import datetime as dt
import gzip
import itertools
import time
from dataclasses import replace
from urllib.parse import quote

from .messages import Response, SandboxRequest
from .options import Options
from .world import Token

LIMIT = 400
GZIP_FROM = 1024  # bytes; less is sent as it is
COUNT = itertools.count(1)


def marked(response: Response, request: SandboxRequest, token: Token | None) -> Response:
    """Credentials that are wrong end as anonymous; this header is all that tells."""
    if token is not None:
        return replace(response, headers={"X-Seraph-LoginReason": "OK", **response.headers})
    if not request.authorization:
        return response
    return replace(response, headers={**response.headers, "X-Seraph-LoginReason": "AUTHENTICATED_FAILED"})


def dressed(response: Response, request: SandboxRequest, options: Options) -> Response:
    """The headers of every answer; a long body is packed for who takes it so."""
    minutes = int(time.time() / 60) % 1440
    headers = {"X-AREQUESTID": f"{minutes}x{next(COUNT)}x1", **_limits(options), **response.headers}
    if response.status == 401:
        headers.setdefault("WWW-Authenticate", f'OAuth realm="{quote(request.base, safe="")}"')
    body = response.body
    if len(body) >= GZIP_FROM:
        headers["Vary"] = "Accept-Encoding"
        if "gzip" in request.accept_encoding.lower():
            body = gzip.compress(body, compresslevel=1, mtime=0)
            headers["Content-Encoding"] = "gzip"
    return replace(response, body=body, headers=headers)


def _limits(options: Options) -> dict[str, str]:
    shared = {"X-RateLimit-Limit": str(LIMIT), "X-RateLimit-Remaining": str(LIMIT - 1)}
    if options.jira != "cloud":
        return {**shared, "X-RateLimit-Interval-Seconds": "1", "X-RateLimit-FillRate": str(LIMIT), "retry-after": "0"}
    reset = dt.datetime.now(dt.UTC).replace(second=0) + dt.timedelta(minutes=1)
    return {**shared, "X-RateLimit-Reset": reset.strftime("%Y-%m-%dT%H:%MZ")}
