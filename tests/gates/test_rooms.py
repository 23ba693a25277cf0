"""The top-level modules, and the import paths that users can rely on."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

from tests.conftest import PACKAGE, ROOT

MODULES = {"__init__.py", "__main__.py", "py.typed", "services.py", "streaming.py"}
PROMISED = {
    "checkmk_sync": ("Checkmk", "Host", "Outcome", "Settings"),
    "checkmk_sync.batch": ("BatchProcessor", "BatchOperationsMixin", "BatchResult"),
    "checkmk_sync.cache": ("LRUCache", "CachingService", "cached"),
    "checkmk_sync.catalogue": ("OPERATIONS",),
    "checkmk_sync.errors": ("CheckmkError", "NotFoundError"),
    "checkmk_sync.mcp": (),
    "checkmk_sync.metrics": ("MetricsCollector", "MetricsMixin", "get_metrics_collector", "timed", "timed_context"),
    "checkmk_sync.recovery": ("CircuitBreaker", "FallbackHandler", "RecoveryMixin", "RetryPolicy", "RetryStrategy"),
    "checkmk_sync.services": ("BaseService", "CachedHostService", "HostService", "StreamingHostService"),
    "checkmk_sync.streaming": ("StreamBatch", "StreamingMixin"),
    "checkmk_sync.sync": ("apply_plan", "from_data", "load", "make_plan"),
    "checkmk_sync.testing": ("Fault", "SimulatedSite"),
}


def test_the_top_level_has_only_the_listed_modules() -> None:
    assert {path.name for path in PACKAGE.iterdir() if path.is_file()} == MODULES


def test_the_directories_of_tests_are_named_after_the_packages() -> None:
    tests, packages = ROOT / "tests", {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    directories = {path.parent.name for path in tests.glob("*/__init__.py")}
    assert directories - {"docs", "examples", "gates", "nouns"} <= packages
    assert {path.stem[5:] for path in tests.glob("test_*.py")} <= {"services", "service_arguments", "streaming"}


@pytest.mark.every_case
@pytest.mark.parametrize("module", PROMISED)
def test_promised_names_can_be_imported(module: str) -> None:
    if module == "checkmk_sync.mcp":
        pytest.importorskip("mcp")
    found = importlib.import_module(module)
    assert [name for name in PROMISED[module] if not hasattr(found, name)] == []


@pytest.mark.parametrize("name", ["Host", "Filter", "Outcome", "CheckmkError", "HostState"])
def test_a_record_is_imported_without_requests(name: str) -> None:
    loaded = "{'requests', 'requests_cache'} & set(sys.modules)"
    code = f"import sys; from checkmk_sync import {name}; print(sorted({loaded}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
