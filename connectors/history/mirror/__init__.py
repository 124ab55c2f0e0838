"""The rows of the history, made from entries and lines, paired and made findable."""
