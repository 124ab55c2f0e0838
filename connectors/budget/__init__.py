"""The slots of Align's rate limit: who may call when, and the page that shows it."""
