"""Compare start-up times with those of the underlying libraries. Run: python benchmarks/import_time.py

"process" compares the times of complete processes. "without Python" first subtracts the start of the interpreter from
both times.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

ROUNDS = 25
NOTHING, CLICK, CACHE = "pass", "import click, rich", "import requests_cache"
HELP = "import sys; sys.argv = ['checkmk-sync', '--help']; from checkmk_sync.cli import main; main()"
MEASURED = (
    ("import checkmk_sync", "import checkmk_sync", CACHE),
    ("from checkmk_sync import Host", "from checkmk_sync import Host", CACHE),
    ("from checkmk_sync import Checkmk", "from checkmk_sync import Checkmk", CACHE),
    ("checkmk-sync --help", HELP, CLICK),
)


def _seconds(statement: str) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", statement], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def main() -> None:
    statements = dict.fromkeys([NOTHING, CLICK, CACHE, *(statement for _, statement, _ in MEASURED)])
    taken: dict[str, list[float]] = {statement: [] for statement in statements}
    for _ in range(ROUNDS):
        for statement in statements:
            taken[statement].append(_seconds(statement))
    typical = {statement: statistics.median(values) for statement, values in taken.items()}
    print(f"{'':34}{'ms':>6}{'process':>8}{'without Python':>16}")
    for statement in (NOTHING, CLICK, CACHE):
        print(f"{statement:34}{typical[statement] * 1000:6.0f}")
    for label, statement, base in MEASURED:
        whole = typical[statement] / typical[base]
        net = (typical[statement] - typical[NOTHING]) / (typical[base] - typical[NOTHING])
        print(f"{label:34}{typical[statement] * 1000:6.0f}{whole:8.2f}{net:16.2f}  x {base}")


if __name__ == "__main__":
    main()
