"""The secrets of a connector: use, expiry, reminders and succession."""
