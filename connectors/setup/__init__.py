"""Adding a connector, setting it up, and pausing it for maintenance."""
