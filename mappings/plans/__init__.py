"""The pages of a plan: review, approval, progress, results, and the rules of a connector."""
