"""Changes that nobody here made, until somebody explains them."""
