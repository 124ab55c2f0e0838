"""Programs of npm that judge our pages from outside: kept in a folder of the machine, never in the repository."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

LONGEST_INSTALL = 600  # seconds


def program(package: str, version: str) -> list[str]:
    """How to call it; of exactly this version, installed at the first call. Ends the command where there is no npm."""
    npm = shutil.which("npm")
    if not npm:
        sys.exit(f"npm is not installed, and {package} comes by it (Debian: apt-get install npm).")
    folder = Path(tempfile.gettempdir()) / f"alignadmin-npm-{os.getuid()}" / f"{package}-{version}"
    started_by = folder / "node_modules" / ".bin" / package
    if not started_by.exists():
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        print(f"{package} {version} is being installed into {folder}.", flush=True)
        install = [npm, "install", "--prefix", str(folder), "--no-audit", "--no-fund", f"{package}@{version}"]
        subprocess.run(install, check=True, timeout=LONGEST_INSTALL, stdout=subprocess.DEVNULL)
    return [str(started_by)]
