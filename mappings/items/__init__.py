"""Items of Align that stand for issues of Jira: which are brought over, what they become, and how they got here."""
