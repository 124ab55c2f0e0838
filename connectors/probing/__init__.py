"""The jobs that try a credential: "probe" before a switch, a line for each right, and "watch" right after it."""

from connectors.probing.job import begin, probe
from connectors.probing.watch import watch

__all__ = ["begin", "probe", "watch"]
