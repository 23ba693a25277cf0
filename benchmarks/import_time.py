"""Importing checkmk_sync beside importing requests-cache alone. Run: python benchmarks/import_time.py"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

ROUNDS = 15


def _seconds(statement: str) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", statement], check=True)
    return time.perf_counter() - started


def main() -> None:
    statements = {
        "nothing": "pass",
        "requests_cache": "import requests_cache",
        "checkmk_sync": "import checkmk_sync",
        "Checkmk": "from checkmk_sync import Checkmk",
    }
    taken: dict[str, list[float]] = {name: [] for name in statements}
    for _ in range(ROUNDS):
        for name, statement in statements.items():
            taken[name].append(_seconds(statement))
    typical = {name: statistics.median(values) for name, values in taken.items()}
    base = typical["requests_cache"] - typical["nothing"]
    for name in ("checkmk_sync", "Checkmk"):
        print(f"{name:15} {(typical[name] - typical['nothing']) / base:5.2f} x importing requests_cache")


if __name__ == "__main__":
    main()
