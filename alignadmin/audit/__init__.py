"""What people did, written once: entries in a chain, checkpoints, deliveries and archives."""
