"""The parts of the command that inspect and change the machine, its sound server and the user's files."""
