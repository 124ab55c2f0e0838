"""Weeks that a reviewer looks through and signs, and questions about rows."""
