"""Which level of Align stands for which issue types of Jira, for all projects and in those that differ."""
