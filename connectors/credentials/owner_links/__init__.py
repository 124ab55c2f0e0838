"""A link by which the owner of a token, who has no account here, stores it as a pending credential."""
