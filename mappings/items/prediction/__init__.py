"""Configuration as rules, and what is read of both systems to work out the items that issues become."""
