"""`python -m jaccli`."""

from __future__ import annotations

import sys

from jaccli.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
