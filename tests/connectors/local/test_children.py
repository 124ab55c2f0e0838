"""A supervisor's children: whichever dies first, the others end too, and its name and last words are told."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from connectors.local.children import ChildEnded, Children

NAMES = ("sandbox", "web", "worker")
WAITING = "import sys, signal; print('ready', flush=True); signal.pause()"
ENDING = "print('The disk is full.', flush=True); raise SystemExit(3)"


@pytest.mark.parametrize("dead", NAMES)
def test_the_others_end_with_it(processes: None, tmp_path: Path, dead: str) -> None:
    children = Children(environment=dict(os.environ), log_dir=tmp_path)
    for name in NAMES:
        children.start(name, ["-c", WAITING])
    children.check()
    os.kill(next(child.process.pid for child in children.started if child.name == dead), signal.SIGKILL)
    with pytest.raises(ChildEnded, match=f"^The {dead} ended with code -9:"):
        children.watch()
    children.stop()
    assert all(child.process.poll() is not None for child in children.started)


def test_what_it_said_last_is_told(processes: None, tmp_path: Path) -> None:
    children = Children(environment=dict(os.environ), log_dir=tmp_path)
    children.start("worker", ["-c", ENDING])
    with pytest.raises(ChildEnded, match=r"^The worker ended with code 3:\n  The disk is full[.]$"):
        children.watch()
    children.stop()
