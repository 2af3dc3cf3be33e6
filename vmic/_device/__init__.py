"""Virtual devices on the server: names, properties and owners, and how to create, find and remove them."""
