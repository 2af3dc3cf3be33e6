"""The monitoring of the server by this process, and the reconnection of devices after the server was away."""
