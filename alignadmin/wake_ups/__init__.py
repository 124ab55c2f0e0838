"""How a process that has stored something to do tells the workers, at once, to look for it.

A wake-up carries nothing: what is due stands in our own tables, and one that is lost costs no more than a tick.
"""
