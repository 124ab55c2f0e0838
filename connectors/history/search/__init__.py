"""Finding rows of the history: the query language, its page and its API."""
