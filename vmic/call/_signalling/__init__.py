"""The servers that a call can be on, and how each is spoken to."""
