"""Align's objects beside the mappings: their table, their data, their query language, and what may be written."""
