"""`python -m marvel.simulator`: what a pane runs."""

import sys

from marvel.simulator import main

sys.exit(main(sys.argv[1:]))
