"""What somebody wants a mapping to be, before a plan sends it."""
