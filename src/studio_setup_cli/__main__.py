"""`python -m studio_setup_cli`."""

import sys

from studio_setup_cli.main import main

sys.exit(main())
