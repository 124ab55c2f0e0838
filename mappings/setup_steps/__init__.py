"""The steps of the guided set-up that mappings know: issue types, statuses, and those that follow."""
