"""The one vocabulary of types that fields of both systems have, and how each system spells them: pure, no Django."""
