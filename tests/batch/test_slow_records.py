"""No outcome is lost if an item finishes just before its batch ends."""

from __future__ import annotations

import time
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from checkmk_sync.batch import BatchProcessor
from checkmk_sync.batch.journal import Journal


def test_an_outcome_is_not_lost_if_recording_it_is_slow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last item finishes just before the batch notices that all items are submitted."""
    add_done_callback, record = Future.add_done_callback, Journal.record
    seen: set[int] = set()

    def slow_add(future: Any, callback: Any) -> None:
        if id(future) in seen:
            time.sleep(0.05)  # the future finishes before its second callback is added
        seen.add(id(future))
        add_done_callback(future, callback)

    def slow_record(journal: Journal, *arguments: Any) -> None:
        time.sleep(0.2)
        record(journal, *arguments)

    monkeypatch.setattr(Future, "add_done_callback", slow_add)
    monkeypatch.setattr(Journal, "record", slow_record)
    batches = BatchProcessor(max_concurrent=3, journal=str(tmp_path / "journal"), max_retries=0)
    result = batches.process_batch(["a", "b", "c"], lambda item: time.sleep(0.02) or item)
    assert sorted(item.key for item in result.items) == ["a", "b", "c"]
