"""The commands of the ``vmic`` program."""
