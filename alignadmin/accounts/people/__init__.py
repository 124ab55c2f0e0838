"""People: who is here and what an admin does with them, their invitations, and who takes over their credentials."""
