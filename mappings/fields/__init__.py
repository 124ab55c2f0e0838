"""Step 6: which field of Align goes with which field of Jira, for each work item type."""
