"""`python -m vmic.cli`: the command, where its program is not on the PATH."""

import sys

from vmic.cli import main

sys.argv[0] = "vmic"  # others see whose a microphone is
main()
