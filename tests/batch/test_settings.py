"""Every setting of ``batch_processing`` takes effect, also through the mixin."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Optional

import pytest

from checkmk_sync import Checkmk, SecretSource, Settings
from checkmk_sync.batch import BatchOperationsMixin, BatchProcessor
from checkmk_sync.config.file import load
from checkmk_sync.config.records import replace_nested
from checkmk_sync.config.settings import BatchSettings
from checkmk_sync.errors import SettingsError
from checkmk_sync.testing import SimulatedSite

SETTINGS = Settings("https://mon", "s", "u", SecretSource(value="x"))


class Service(BatchOperationsMixin):
    def __init__(self, config: Any = None) -> None:
        self.config = config


def _service(**keys: Any) -> Service:
    return Service(replace_nested(SETTINGS, {"batch_processing": keys}))


@pytest.mark.parametrize("limit", [1, 3])
def test_max_concurrent_limits_the_running_items(limit: int) -> None:
    lock, now, most = threading.Lock(), [0], [0]
    together = threading.Barrier(limit, timeout=10)

    def create(_: int) -> None:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        together.wait()
        with lock:
            now[0] -= 1

    assert _service(max_concurrent=limit).batch_create(range(12), "host", create).ok
    assert most[0] == limit


def test_rate_limit_slows_down_the_batch() -> None:
    def seconds(rate: Optional[float]) -> float:
        start = time.monotonic()
        assert _service(rate_limit=rate).batch_update(range(11), "host", str).ok
        return time.monotonic() - start

    assert min(seconds(None) for _ in range(3)) < 0.09 <= seconds(100)
    assert seconds(50) >= 0.19


@pytest.mark.parametrize("retries", [0, 2])
def test_max_retries_limits_the_attempts(retries: int) -> None:
    def delete(_: int) -> None:
        raise TimeoutError

    (outcome,) = _service(max_retries=retries, retry_delay=0).batch_delete([1], "host", delete).items
    assert outcome.attempts == retries + 1


def test_retry_delay_determines_the_longest_wait() -> None:
    def longest_wait(delay: float) -> float:
        """Return the longest of many waits, because each wait is random between 0 and the delay."""

        def create(_: int) -> None:
            raise TimeoutError

        service = _service(retry_delay=delay, max_retries=1, max_concurrent=20)
        return max(item.duration_s for item in service.batch_create(range(20), "host", create).items)

    assert min(longest_wait(0.0) for _ in range(3)) < 0.15 < longest_wait(0.4)


def test_chunk_size_splits_bulk_calls() -> None:
    with SimulatedSite() as site, site.client(batch_processing={"chunk_size": 2}) as cmk:
        cmk.hosts.bulk_create([{"host_name": f"h{number}"} for number in range(5)])
        assert sum("bulk-create" in request.path for request in site.requests) == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("max_concurrent: 0", "max_concurrent: must be at least 1"),
        ("rate_limit: 0", "rate_limit: must be at least 0.001"),
        ("rate_limit: fast", "must be a number"),
        ("max_retries: -1", "max_retries: must be at least 0"),
        ("retry_delay: -0.5", "retry_delay: must be at least 0"),
        ("max_concurent: 5", "did you mean 'max_concurrent'"),
    ],
)
def test_mistakes_in_the_settings_are_reported_with_their_line(tmp_path: Path, text: str, message: str) -> None:
    path = _configuration(tmp_path, text)
    with pytest.raises(SettingsError, match=message) as caught:
        load(path)
    assert caught.value.line == 2


def _configuration(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(
        f"advanced_features:\n  batch_processing: {{{text}}}\n"
        "checkmk: {server_url: 'https://mon', site: s, username: u, password_env: X}\n"
    )
    return path


def test_a_processor_can_be_created_from_a_configuration_file(tmp_path: Path) -> None:
    text = "max_concurrent: 20, rate_limit: 100, max_retries: 1, retry_delay: 2, chunk_size: 7"
    processor = BatchProcessor.from_settings(load(_configuration(tmp_path, text)), journal="x")
    assert (processor.max_concurrent, processor.rate_limit) == (20, 100)
    assert (processor.max_retries, processor.retry_delay, processor.journal) == (1, 2, "x")


@pytest.mark.parametrize("config", [None, object(), {"batch_processing": 1}])
def test_a_service_without_settings_uses_the_defaults(config: Any) -> None:
    processor = Service(config).batch_processor
    assert (processor.max_concurrent, processor.rate_limit) == (10, None)
    assert (processor.max_retries, processor.retry_delay) == (3, 1.0)


@pytest.mark.parametrize("wrap", [lambda batch: batch, lambda batch: SimpleNamespace(batch_processing=batch)])
def test_a_service_finds_its_batch_settings(wrap: Any) -> None:
    service = Service(wrap(BatchSettings(max_concurrent=2)))
    assert service.batch_processor.max_concurrent == 2
    assert service.batch_processor is service.batch_processor


def test_a_service_can_replace_its_processor(tmp_path: Path) -> None:
    service = Service()
    service.batch_processor = BatchProcessor(journal=tmp_path / "journal")
    assert service.batch_create(["a"], "host", str).batch_id == "create-host"
    with pytest.raises(SettingsError, match="create-host"):
        service.batch_delete(["a"], "host", str)


def test_a_service_creates_hosts_in_a_batch() -> None:
    class Hosts(BatchOperationsMixin):
        def __init__(self, client: Checkmk) -> None:
            self.client, self.config = client, client.settings

        def bulk_create_hosts(self, hosts: list[dict[str, Any]]) -> Any:
            return self.batch_create(
                hosts, "host", lambda host: self.client.hosts.create(**host), validate_item=lambda host: "name" in host
            )

    with SimulatedSite() as site, site.client() as cmk:
        result = Hosts(cmk).bulk_create_hosts([{"name": "web01"}, {"name": "web02", "folder": "/nowhere"}, {}])
        assert [item.status.value for item in result.items] == ["success", "failed", "failed"]
        assert [host.name for host in cmk.hosts.each()] == ["web01"]
