"""`python -m studio_setup`."""

import sys

from studio_setup.cli import main

sys.exit(main())
