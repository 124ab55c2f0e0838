"""Which projects are in scope here: both systems' projects in one table, chosen and checked, with their boards."""
