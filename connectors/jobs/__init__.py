"""Work in the background: its queue, leases, threads and clock."""
