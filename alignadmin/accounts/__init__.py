"""People who use the product: who they are, what they may do, how they prove it."""
