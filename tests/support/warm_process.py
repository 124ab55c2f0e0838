"""A process that has loaded everything once and answers questions, one line of JSON each, by children that it forks."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import IO, Any

from tests import ROOT

LONGEST = 120  # seconds for its end


@dataclass
class WarmProcess:
    """`module` is run with these arguments, at the first question."""

    module: str
    environment: Mapping[str, str]
    arguments: tuple[str, ...] = ()
    process: subprocess.Popen[str] | None = field(default=None, init=False)

    def ask(self, question: object) -> Any:
        asks, answers = self._pipes()
        asks.write(json.dumps(question) + "\n")
        asks.flush()
        answer = answers.readline()
        assert answer, f"the process of {self.module} has ended; its error stands above"
        return json.loads(answer)

    def end(self) -> None:
        if self.process is not None:
            for pipe in self._pipes():
                pipe.close()
            self.process.wait(LONGEST)
            self.process = None

    def _pipes(self) -> tuple[IO[str], IO[str]]:
        if self.process is None:
            self.process = subprocess.Popen(
                [sys.executable, "-m", self.module, *self.arguments],
                cwd=ROOT,
                env=dict(self.environment),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        return self.process.stdin, self.process.stdout
