"""What this process sees of the server, and how its devices come back after that was away."""
