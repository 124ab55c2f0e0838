"""The WSGI entry point, e.g. `gunicorn alignadmin.wsgi`."""

import os
import re
import sys
from collections.abc import Callable, Iterable
from typing import Any

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "alignadmin.settings")

from alignadmin import starting  # reads the settings

UTF_8 = re.compile(r"""(;\s*charset\s*=\s*)(?!["']?utf-?8["']?\s*(?:;|$))("[^"]*"|[^;]*)""", re.IGNORECASE)


def or_end(refuse: Callable[[], None]) -> None:
    """A web process that cannot work ends at once, with one line."""
    try:
        refuse()
    except starting.CannotStart as error:
        print(error, file=sys.stderr)
        sys.exit(4)  # gunicorn's code for "the application cannot be loaded": it does not try again


or_end(starting.refuse_before_loading)
django_application = get_wsgi_application()
or_end(starting.refuse)


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Everything is read as UTF-8, which is what our pages send, whatever a request says.

    Django takes any codec of Python for the address, too, and some of them fail before anything of ours is asked.
    """
    if kind := environ.get("CONTENT_TYPE"):
        environ["CONTENT_TYPE"] = UTF_8.sub(r"\1utf-8", re.sub(r";\s*charset\*[^;]*", "", kind, flags=re.IGNORECASE))
    return django_application(environ, start_response)
