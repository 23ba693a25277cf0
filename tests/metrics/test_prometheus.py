"""The export to Prometheus is valid, follows its conventions, and agrees with the collector."""

from __future__ import annotations

import re
import subprocess
import sys
import urllib.request
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.parser import text_string_to_metric_families

from checkmk_sync import Checkmk
from checkmk_sync.errors import NotFoundError
from checkmk_sync.metrics import MetricsCollector
from checkmk_sync.metrics.prometheus import Collector, exposition
from checkmk_sync.testing import ManualClock
from tests.conftest import ROOT

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def _parsed(text: str) -> Samples:
    found: Samples = {}
    names = []
    for family in text_string_to_metric_families(text):
        names.append(family.name)
        for sample in family.samples:
            key = (sample.name, tuple(sorted(sample.labels.items())))
            assert key not in found, f"{key} occurs twice"
            found[key] = sample.value
    assert len(names) == len(set(names))
    return found


def _get(samples: Samples, metric: str, /, **labels: str) -> float:
    return samples[f"checkmk_sync_{metric}", tuple(sorted(labels.items()))]


def test_measurements_of_a_client_are_exported(cmk: Checkmk) -> None:
    cmk.hosts.create("web01")
    cmk.hosts.get("web01")
    cmk.hosts.get("web01")
    with pytest.raises(NotFoundError):
        cmk.hosts.get("nope")
    samples = _parsed(exposition(cmk.collector))
    assert _get(samples, "call_seconds_count", noun="hosts", verb="get") == 3
    assert _get(samples, "call_seconds_bucket", noun="hosts", verb="get", le="+Inf") == 3
    assert _get(samples, "calls_total", noun="hosts", verb="get", status="200") == 2
    assert _get(samples, "calls_total", noun="hosts", verb="get", status="404") == 2
    assert _get(samples, "attempts_total") == 4
    assert _get(samples, "cache_hits_total") == 1
    assert _get(samples, "received_bytes_total") > 100
    assert _get(samples, "breaker_state") == _get(samples, "requests_in_flight") == 0


@given(st.lists(st.floats(0, 1000), min_size=1, max_size=100))
def test_buckets_are_cumulative_and_exact(values: list[float]) -> None:
    collector = MetricsCollector()
    for value in values:
        collector.record_timing("call.hosts.get", value)
    samples = _parsed(exposition(collector))
    buckets = {
        float(dict(labels)["le"]): count for (name, labels), count in samples.items() if name.endswith("_bucket")
    }
    assert len(buckets) == 21
    for border, count in buckets.items():
        assert count == sum(value <= border * (1 + 1e-14) for value in values)
    assert _get(samples, "call_seconds_sum", noun="hosts", verb="get") == pytest.approx(sum(values))


_NAMES = st.one_of(st.text(max_size=20), st.from_regex(r"(call|calls|replies|a)(\.[a-z]{1,3}){0,3}(\.errors)?"))


@given(st.lists(_NAMES, max_size=12))
@example(["call" + "0" * 300])
@example(["\udcff", "calls.\ud800.x.y"])
def test_any_names_export_as_valid_text(names: list[str]) -> None:
    collector = MetricsCollector()
    for name in names:
        collector.record_timing(name, 0.1)
        collector.increment_counter(name, 2)
        collector.set_gauge(name, 3)
    samples = _parsed(exposition({"a": collector, "b": collector}))
    refused = 2 * collector.counter("metrics_names_refused")  # names that are too long
    assert sum(value for (name, _), value in samples.items() if name.endswith("_total")) == 4 * len(names) + refused
    assert sum(value for (name, _), value in samples.items() if name.endswith("_count")) == 2 * len(names)
    assert all(re.fullmatch(r"checkmk_sync_[a-z_]+", name) for name, _ in samples)


def test_counters_do_not_decrease_when_old_values_are_dropped(clock: ManualClock) -> None:
    collector = MetricsCollector(1, cleanup_interval=0, clock=clock)
    for number in range(1, 12):
        collector.record_operation("call.hosts.get", 0.1, success=False)
        clock.advance(1200)
        samples = _parsed(exposition(collector))
        assert _get(samples, "call_seconds_count", noun="hosts", verb="get") == number
        assert _get(samples, "call_errors_total", noun="hosts", verb="get") == number
    assert collector.counter("call.hosts.get.errors") < 4


def test_a_registry_accepts_one_collector() -> None:
    one, other = MetricsCollector(), MetricsCollector()
    one.increment_counter("retries", 3)
    registry = CollectorRegistry(auto_describe=True)
    registry.register(Collector({"prod": one, "test": other}))
    with pytest.raises(ValueError, match="[Dd]uplicate"):
        registry.register(Collector(other))
    other.increment_counter("hosts_created", 4)  # seen at the next scrape
    server, thread = start_http_server(0, addr="127.0.0.1", registry=registry)
    try:
        url = f"http://127.0.0.1:{server.server_port}/metrics"
        samples = _parsed(urllib.request.urlopen(url, timeout=10).read().decode())
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
    assert _get(samples, "retries_total", site="prod") == 3
    assert _get(samples, "events_total", site="test", name="hosts_created") == 4


def test_family_names_follow_the_conventions() -> None:
    for family in Collector(MetricsCollector()).describe():
        assert family.documentation.endswith(".")
        if family.type == "histogram":
            assert family.name.endswith("_seconds")


def _rules() -> list[Any]:
    page = (ROOT / "docs" / "metrics.md").read_text("utf-8")
    (text,) = re.findall(r"<!-- file: alerts.yaml -->\n```yaml\n(.*?)```", page, re.DOTALL)
    return [rule for group in yaml.safe_load(text)["groups"] for rule in group["rules"]]


def test_alert_rules_use_existing_metrics() -> None:
    offered = {family.name: family.type for family in Collector(MetricsCollector()).describe()}
    suffixes = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_count", "_sum")}
    names = {name + suffix for name, kind in offered.items() for suffix in suffixes[kind]}
    rules = _rules()
    assert len(rules) >= 4
    for rule in rules:
        assert set(rule) <= {"alert", "expr", "for", "annotations", "labels"}
        assert rule["annotations"]["summary"]
        asked = set(re.findall(r"checkmk_sync_\w+", rule["expr"]))
        assert asked
        assert asked <= names
        assert rule["expr"].count("(") == rule["expr"].count(")")


def test_a_missing_extra_is_explained() -> None:
    code = (
        "import sys\n"
        "sys.modules['prometheus_client'] = None\n"
        "from checkmk_sync.errors import MissingExtraError\n"
        "from checkmk_sync.metrics import MetricsCollector\n"
        "from checkmk_sync.metrics.prometheus import Collector, exposition\n"
        "for use in (Collector, exposition):\n"
        "    try:\n"
        "        use(MetricsCollector())\n"
        "    except MissingExtraError as error:\n"
        "        print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.count("checkmk_sync[prometheus]") == 2, done.stderr
