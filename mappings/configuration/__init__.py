"""How configuration is decided: a draft of lines, checks, a proposal with a fingerprint, its approval, history."""
