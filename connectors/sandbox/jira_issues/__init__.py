"""Jira's issues: their data, their fields, the query language over them, and how they move along a workflow."""
