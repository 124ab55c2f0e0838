"""Reading what Align's lists hold, and what changed in them since."""
