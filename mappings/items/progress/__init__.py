"""How far linked items are as both systems see them: read when somebody asks, added up, and kept as sums."""
