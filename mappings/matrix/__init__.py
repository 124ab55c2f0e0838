"""The matrix: its page, its lines and its addresses."""
