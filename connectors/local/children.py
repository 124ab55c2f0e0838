"""Child processes that live and die together with the one that started them."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from urllib.error import URLError
from urllib.request import urlopen

PR_SET_PDEATHSIG = 1
START_WITHIN = 60.0  # seconds
STOP_WITHIN = 15.0
POLL_EVERY = 0.2


class ChildEnded(Exception):
    """A child ended by itself; the message names it, its code and its last words."""


def die_with_parent() -> None:
    """Between fork and exec: Linux ends this process when its parent is killed and cannot do it."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


@dataclass(frozen=True, kw_only=True)
class Child:
    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def last_words(self) -> str:
        lines = self.log.read_text(errors="replace").strip().splitlines()
        return "\n".join(f"  {line}" for line in lines[-5:])


@dataclass
class Children:
    """A supervisor's children. Each gets a process group of its own, so that Ctrl-C reaches them only through us."""

    environment: Mapping[str, str]
    log_dir: Path
    started: list[Child] = field(default_factory=list)
    stopping: bool = False

    def start(self, name: str, arguments: Sequence[str]) -> None:
        self.log_dir.mkdir(parents=True, exist_ok=True)
        log = self.log_dir / f"{name}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(  # noqa: S603  # our own commands
                [sys.executable, *arguments],
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=die_with_parent,
            )
        self.started.append(Child(name=name, process=process, log=log))

    def check(self) -> None:
        for child in self.started:
            if (code := child.process.poll()) is not None:
                raise ChildEnded(f"The {child.name} ended with code {code}:\n{child.last_words()}")

    def wait_for(self, address: str) -> None:
        """Until `address` answers 200; a child that ends meanwhile, or too long a wait, is an error."""
        until = time.monotonic() + START_WITHIN
        while not self.stopping and not answers(address):
            self.check()
            if time.monotonic() > until:
                raise ChildEnded(f"{address} did not answer within {START_WITHIN:.0f} s; see {self.log_dir}")
            time.sleep(POLL_EVERY)

    def watch(self) -> None:
        """Until a signal asks us to stop; raises ChildEnded when one of the children ends before."""
        while not self.stopping:
            self.check()
            time.sleep(POLL_EVERY)

    def stop_on_signals(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._asked_to_stop)

    def _asked_to_stop(self, number: int, frame: FrameType | None) -> None:
        self.stopping = True

    def stop(self) -> None:
        """End every child, newest first, and whatever they have started themselves."""
        for child in reversed(self.started):
            child.process.terminate()
        until = time.monotonic() + STOP_WITHIN
        for child in self.started:
            try:
                child.process.wait(timeout=max(0.1, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                pass
            _kill_group(child.process)


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)  # its own group: `start_new_session`
    except ProcessLookupError:
        pass
    process.wait()


def answers(address: str) -> bool:
    try:
        with urlopen(address, timeout=2) as answer:  # noqa: S310  # nosec B310  # our own http address
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False
