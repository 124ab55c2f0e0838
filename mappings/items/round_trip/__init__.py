"""Live verification: a change is made on one side and looked for on the other, both ways, and put back."""
