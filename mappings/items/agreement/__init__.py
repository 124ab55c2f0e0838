"""The standing check whether the items of Align agree with their issues of Jira, and why not."""
