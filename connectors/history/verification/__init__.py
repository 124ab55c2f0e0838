"""Whether the history still says what entries and lines say."""
