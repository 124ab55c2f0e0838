"""The pages of credentials and their calendar."""
