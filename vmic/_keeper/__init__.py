"""The keeper: a process that keeps devices as they should be, and removes orphans."""
