"""What the rooms of this floor share: the connector of a request, records about it, and what other apps add."""
