"""The fields of both systems, by work item type: reading them, and what differs between two readings."""
