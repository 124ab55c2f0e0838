"""Benchmarks: `make bench` runs each in a process of its own and prints what was measured, beside its aim."""
