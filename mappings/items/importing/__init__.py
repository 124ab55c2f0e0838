"""Bringing issues of a project of ours to Align: planned, approved, sent one by one, found again without an answer."""
