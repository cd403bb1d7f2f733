"""The command ``attreg``, as the program of the same name: ``python -m attreg``."""

import sys

from . import _attreg


def main() -> int:
    """Runs the command with the arguments of the process; the exit status."""
    return _attreg.main(["attreg", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
