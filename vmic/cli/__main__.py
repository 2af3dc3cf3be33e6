"""`python -m vmic.cli`: the command, where its program is not on the PATH."""

from vmic.cli import main

main()
