"""The settings of a test run, in the environment before Django reads it: pytest loads this first of all."""

from __future__ import annotations

import atexit
import base64
import gc
import os
import shutil
import sys
import tempfile

SEAL_KEY = base64.b64encode(b"only for tests, 32 bytes of key.").decode()
RUN_FOLDER = "TEST_RUN_FOLDER"  # the variable with the folder that all processes of one run share
PASSWORD = "for-tests-and-the-demo-only"
DEFAULTS = {
    "ALLOWED_PRIVATE_HOSTS": "127.0.0.1",
    # Tests of checkpoints turn the clock on for themselves.
    "CHECKPOINT_INTERVAL": "0",
    "DEBUG": "0",
    # So that requests without an answer are settled soon.
    "REQUEST_DEADLINE": "3",
    "READ_TIMEOUT": "2",
    "SENDING_GRACE": "0.3",
    "DJANGO_SETTINGS_MODULE": "alignadmin.settings",
    "LOG_LEVEL": "WARNING",
    # Tests of the second factor turn it on for themselves.
    "MFA_REQUIRED": "0",
    "SEAL_KEYS": f"test:{SEAL_KEY}",
    "SECRET_KEY": "only-for-tests-and-long-enough-for-the-deployment-check-0123456789",
    "SECURE": "0",
    # Likewise of the nightly check of the history.
    "VERIFY_HOUR": "-1",
}


def prepare() -> None:
    # What a run loads stays: to look for garbage among it takes a tenth of its start, and as much of its tests.
    gc.set_threshold(50_000, 20, 50)
    # A run starts hundreds of processes, and each would compile all our sources where the machine keeps none compiled.
    sys.dont_write_bytecode = False
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)
    if RUN_FOLDER not in os.environ:  # else: a process that a run has started
        # In memory where the machine has it: every commit of SQLite waits for the disk.
        in_memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        folder = os.environ[RUN_FOLDER] = tempfile.mkdtemp(prefix="alignadmin-test-", dir=in_memory)
        atexit.register(_remove, folder, os.getpid())
        os.environ["PYTEST_DEBUG_TEMPROOT"] = folder  # for `tmp_path`, too
    os.environ.setdefault("DATA_DIR", os.environ[RUN_FOLDER])


def _remove(folder: str, owner: int) -> None:
    if os.getpid() == owner:  # forked children inherit the hook
        shutil.rmtree(folder, ignore_errors=True)


prepare()
