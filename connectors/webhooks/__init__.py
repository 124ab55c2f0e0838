"""Jira's webhook of a connector: its receiver, its inbox, what its deliveries lead to, and polling beside it."""
