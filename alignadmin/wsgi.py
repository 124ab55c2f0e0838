"""The WSGI entry point, e.g. `gunicorn alignadmin.wsgi`."""

import os
import sys

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "alignadmin.settings")

application = get_wsgi_application()


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
