"""Where Chromium is; `python -m tests.support.chromium` installs it where it is missing and this user may do that."""

from __future__ import annotations

import os
import shutil
import subprocess

HOW = "apt-get install chromium, or name it in CHROMIUM"
WITHOUT = f"Chromium is not installed, so the tests of the tier `browser` were left out. To have them: {HOW}."


def found() -> str:
    """Its path, or nothing."""
    return os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser") or ""


def install() -> None:
    """By Debian's package manager, as root or by a sudo that asks nothing; else not at all, and the run says so."""
    apt = shutil.which("apt-get")
    root = [] if os.geteuid() == 0 else ["sudo", "--non-interactive"]
    if not apt or (root and not shutil.which("sudo")):
        return
    if root and subprocess.run([*root, "true"], capture_output=True, check=False).returncode:
        return
    print("Chromium is missing: it is being installed, as Debian's package, for the browser tests.", flush=True)
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", "chromium"]):
        subprocess.run([*root, apt, *arguments], env=quiet, stdout=subprocess.DEVNULL, check=False)


if __name__ == "__main__":
    if not found():
        install()
