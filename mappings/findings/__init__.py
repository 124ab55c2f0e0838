"""What a finding of the catalogue leads to: which items fall to 0, and which mappings name what is gone."""
