"""Step 7 of the set-up: which issues of Jira are brought over, and where their items land."""
