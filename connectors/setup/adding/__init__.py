"""Adding a connector: what two sites tell of themselves, the form, and what of it is kept until it is sent."""
