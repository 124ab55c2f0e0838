"""Disconnecting a connector, connecting it again, and its choices for another one."""
