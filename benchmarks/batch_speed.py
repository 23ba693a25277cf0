"""Compare batches with a plain loop and ThreadPoolExecutor.map. Run: python benchmarks/batch_speed.py

The first part compares 500 operations of 50 ms with the shortest possible time. The second part compares a stream of a
million trivial operations with a plain loop and ThreadPoolExecutor.map, in time and in memory growth of the process.
"""

from __future__ import annotations

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Callable, Iterator

from checkmk_sync.batch import BatchProcessor

OPERATIONS, EACH_S = 500, 0.05
TRIVIAL = 1_000_000


def _resident_mb() -> float:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096 / 1e6


def _trivial(number: int) -> int:
    return number


def _loop() -> Iterator[object]:
    for number in range(TRIVIAL):
        yield _trivial(number)


def _map() -> Iterator[object]:
    with ThreadPoolExecutor(10) as executor:
        yield from executor.map(_trivial, range(TRIVIAL))


def _stream() -> Iterator[object]:
    return BatchProcessor().stream(range(TRIVIAL), _trivial)


WAYS: dict[str, Callable[[], Iterator[object]]] = {"plain loop": _loop, "executor.map": _map, "stream()": _stream}


def measure(name: str) -> None:
    """Print the seconds and the largest memory growth in MB. Runs in a separate process."""
    started, base, most = time.perf_counter(), _resident_mb(), 0.0
    for count, _ in enumerate(WAYS[name](), 1):
        if count % 10_000 == 0:
            most = max(most, _resident_mb())
    print(time.perf_counter() - started, most - base)


def main() -> None:
    for workers, allowed in ((10, 1.1), (50, 1.2)):
        started = time.perf_counter()
        BatchProcessor(workers).process_batch(range(OPERATIONS), lambda _: time.sleep(EACH_S))
        ratio = (time.perf_counter() - started) / (OPERATIONS * EACH_S / workers)
        print(f"{OPERATIONS} x 50 ms, max_concurrent={workers}: {ratio:.2f} x the ideal time (target: {allowed})")
    for name in WAYS:
        done = subprocess.run([sys.executable, __file__, name], stdout=subprocess.PIPE, text=True, check=True)
        seconds, grown = map(float, done.stdout.split())
        print(f"{TRIVIAL:,} trivial operations, {name:13} {seconds / TRIVIAL * 1e6:6.1f} µs each, {grown:+7.1f} MB")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        measure(sys.argv[1])
    else:
        main()
