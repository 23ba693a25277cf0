"""Two example configurations can be loaded: one for large sites, and one for little memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from checkmk_sync import Checkmk

HEAD = """
checkmk:
  server_url: https://mon.example.com
  site: prod
  username: automation
  password_env: SECRET
"""
MUCH = """
advanced_features:
  streaming:
    default_batch_size: 500
    max_concurrent_batches: 10

  caching:
    max_size: 10000
    default_ttl: 600
    cleanup_interval: 300

  batch_processing:
    max_concurrent: 20
    rate_limit: 100

  metrics:
    retention_hours: 48
    cleanup_interval: 3600

  recovery:
    circuit_breaker:
      failure_threshold: 10
      recovery_timeout: 30
    retry:
      max_retries: 5
      base_delay: 0.5
"""
LITTLE = """
advanced_features:
  streaming:
    default_batch_size: 50
    memory_limit_mb: 100

  caching:
    max_size: 1000
    default_ttl: 300

  batch_processing:
    max_concurrent: 5

  metrics:
    retention_hours: 24
"""


def _flat(record: Any, prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in record.items():
        found.update(_flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}": value})
    return found


@pytest.mark.parametrize("text", [MUCH, LITTLE], ids=["much", "little"])
def test_every_key_is_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    import yaml

    monkeypatch.setenv("SECRET", "geheim")
    path = tmp_path / "config.yaml"
    path.write_text(HEAD + text)
    with Checkmk.from_config(path) as client:
        settings = _flat(client.settings.to_dict())
    wanted = _flat(yaml.safe_load(text)["advanced_features"])
    assert {key: settings[key] for key in wanted} == wanted
