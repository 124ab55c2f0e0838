"""`python -m tests.html_validate`: every page by html-validate, as an admin gets it; fails where one is not clean."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import django
import requests

from tests import ROOT, environment
from tests.support import npm

VERSION = "9.7.1"
RULES = ROOT / "tests" / "html_validate.cjs"


def main() -> int:
    environment.prepare()
    django.setup()
    from tests.support.furnished_site import PAGES, SIGNED_OUT, furnished_site

    validate = npm.program("html-validate", VERSION)
    with tempfile.TemporaryDirectory(prefix="alignadmin-html-") as directory, furnished_site(Path(directory)) as made:
        pages = Path(directory) / "pages"
        pages.mkdir()
        admin = made.own.site.signed_in()
        for names, session in ((PAGES, admin), (SIGNED_OUT, requests.Session())):
            for name in names:
                save(session, made.address(name), pages / f"{name.replace(' ', '-')}.html")
        saved = sorted(pages.iterdir())
        judged = subprocess.run([*validate, "--config", str(RULES), *map(str, saved)], check=False, cwd=pages)
    print(f"{len(saved)} pages: {'not clean' if judged.returncode else 'clean'}.")
    return judged.returncode


def save(session: requests.Session, address: str, file: Path) -> None:
    file.write_text(session.get(address, timeout=30).text)


if __name__ == "__main__":
    sys.exit(main())
