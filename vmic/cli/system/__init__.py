"""What the command knows and changes of the machine, its sound server and its users' files."""
