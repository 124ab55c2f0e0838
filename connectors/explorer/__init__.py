"""The explorer: what Jira Align holds, asked by rows of a form or by a typed query, for people who never saw OData."""
