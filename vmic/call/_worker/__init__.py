"""The worker process of a call, and its messages to and from the program's process."""
