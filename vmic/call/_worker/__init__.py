"""The process in which a call goes on, and what the program's process and it say to each other."""
