"""The kinds of server that carry calls, and the protocol of each."""
