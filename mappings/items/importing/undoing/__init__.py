"""Undoing an import: what it created and nobody touched is put into Align's recycle bin, the rest is listed."""
