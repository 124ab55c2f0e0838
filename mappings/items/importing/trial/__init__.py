"""A consented trial of how Align takes an item: one is made, looked at and recycled."""
