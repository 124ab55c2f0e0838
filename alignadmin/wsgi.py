"""The WSGI entry point, e.g. `gunicorn alignadmin.wsgi`."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "alignadmin.settings")

application = get_wsgi_application()
