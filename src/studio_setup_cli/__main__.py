"""`python -m studio_setup_cli`."""

import sys

from studio_setup_cli.entry import main

sys.exit(main())
