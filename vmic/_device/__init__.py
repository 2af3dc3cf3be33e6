"""A virtual device on the server: names, properties, owner, and how it is made, found and removed."""
