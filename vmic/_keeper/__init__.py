"""The process that keeps devices as they should be, and removes those whose owner has ended."""
