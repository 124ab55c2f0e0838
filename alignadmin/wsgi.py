"""The WSGI entry point, e.g. `gunicorn alignadmin.wsgi`."""

import os
import re
import sys
from collections.abc import Callable, Iterable
from typing import Any

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "alignadmin.settings")

django_application = get_wsgi_application()
UTF_8 = re.compile(r"""(;\s*charset\s*=\s*)(?!["']?utf-?8["']?\s*(?:;|$))("[^"]*"|[^;]*)""", re.IGNORECASE)


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Everything is read as UTF-8, which is what our pages send, whatever a request says.

    Django takes any codec of Python for the address, too, and some of them fail before anything of ours is asked.
    """
    if kind := environ.get("CONTENT_TYPE"):
        environ["CONTENT_TYPE"] = UTF_8.sub(r"\1utf-8", re.sub(r";\s*charset\*[^;]*", "", kind, flags=re.IGNORECASE))
    return django_application(environ, start_response)


def refuse_wrong_keys() -> None:
    """A web process that cannot open the stored secrets ends at once, with one line."""
    from django.db import DatabaseError

    from connectors import sealing

    try:
        sealing.verify_stored()
    except DatabaseError:
        pass  # not there, or not migrated: /healthz says so, and secrets are checked again when they are used
    except sealing.SealError as error:
        print(error, file=sys.stderr)
        sys.exit(4)  # gunicorn's code for "the application cannot be loaded": it does not try again


refuse_wrong_keys()
