"""How Align's log comes in: by its endpoint, pasted or uploaded, and how an import is withdrawn."""
