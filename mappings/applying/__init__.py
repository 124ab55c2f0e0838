"""The parts of an apply: its journal, the sending of requests, and the settling of those without an answer."""
