"""`python -m vmic.cli`: the `vmic` command, where its program is not on the PATH."""

import sys

from vmic.cli import main

sys.argv[0] = "vmic"  # other programs see this name as a microphone's owner
main()
