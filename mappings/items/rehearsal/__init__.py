"""Rehearsals: what issues of a project would become in Align, worked out and shown without writing anything."""
