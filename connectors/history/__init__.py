"""What happened to mappings, here and elsewhere, and what the reviewer does with it."""
