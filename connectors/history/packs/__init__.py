"""Evidence packs: what an auditor takes along, and can check alone."""
