"""The watch over changes made elsewhere: what it looks at, what it finds, and what people decide about it."""
