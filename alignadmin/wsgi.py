"""The WSGI entry point, e.g. `gunicorn alignadmin.wsgi`."""

import os
import sys
from collections.abc import Callable

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "alignadmin.settings")

from connectors import starting  # reads the settings


def or_end(refuse: Callable[[], None]) -> None:
    """A web process that cannot work ends at once, with one line."""
    try:
        refuse()
    except starting.CannotStart as error:
        print(error, file=sys.stderr)
        sys.exit(4)  # gunicorn's code for "the application cannot be loaded": it does not try again


or_end(starting.refuse_before_loading)
application = get_wsgi_application()
or_end(starting.refuse)
