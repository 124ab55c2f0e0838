"""What issues become by what is configured, beside the items that Align has for them."""
