"""The jobs that try a credential: "probe" before a switch, a line for each right, and "watch" right after it."""

from connectors.credentials.probing.first_calls import watch
from connectors.credentials.probing.job import begin, probe

__all__ = ["begin", "probe", "watch"]
