"""What the two systems contain: projects, types, statuses and process flows, as last read."""
