"""Output and keys for a person at a terminal while a command runs."""
