"""Every benchmark in turn: `python -m benchmarks`, or one of them: `python -m benchmarks estimation`."""

from __future__ import annotations

import sys
from importlib import import_module

NAMES = ("reading", "estimation", "rake", "glm")


def main() -> None:
    for name in sys.argv[1:] or NAMES:
        print(f"\n# {name}")
        import_module(f"benchmarks.{name}").main()


if __name__ == "__main__":
    main()
