"""Fixtures that all tests share: no network outside this machine, a simulated site, and clients for it."""

from __future__ import annotations

import io
import ipaddress
import json
import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest
from hypothesis import HealthCheck, settings

from checkmk_sync import Checkmk
from checkmk_sync.cli.app import run
from checkmk_sync.testing import ManualClock, SimulatedSite
from tests.raw_requests import Raw

pytest_plugins = ["pytester", "tests.raised_messages"]

# A shell makes its background jobs ignore Ctrl-C, and their child processes inherit this.
signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile("core", max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("slow", settings.get_profile("core"), max_examples=100)
settings.load_profile("core")

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "checkmk_sync"


def shared_folder(name: str) -> Path:
    """Return a folder of facts about Checkmk next to the project. Skip the test if it does not exist."""
    base = os.environ.get("CHECKMK_" + name.upper())
    path = Path(base) if base else ROOT.parent / "shared" / name
    if not path.is_dir():
        pytest.skip(f"{path} does not exist; set CHECKMK_{name.upper()} to the folder with the official {name}")
    return path


def _is_local(address: Any) -> bool:
    if not isinstance(address, tuple):
        return True  # a Unix socket
    try:
        return ipaddress.ip_address(address[0]).is_loopback
    except ValueError:
        return address[0] == "localhost"


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Block all connections to other machines."""
    connect, resolve = socket.socket.connect, socket.getaddrinfo

    def guarded_connect(self: socket.socket, address: Any) -> Any:
        if not _is_local(address):
            raise AssertionError(f"a test tried to reach {address}")
        return connect(self, address)

    def guarded_resolve(host: Any, *args: Any, **kwargs: Any) -> Any:
        if not _is_local((host,)) and host is not None:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return resolve(host, *args, **kwargs)

    monkeypatch.setattr(socket.socket, "connect", guarded_connect)
    monkeypatch.setattr(socket, "getaddrinfo", guarded_resolve)


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the proxies and CHECKMK_… variables of the environment."""
    kept = {"CHECKMK_SPECS", "CHECKMK_CASES", "CHECKMK_RECORDINGS"}
    for name in set(os.environ) - kept:
        if name.startswith("CHECKMK_") or name.lower().endswith("_proxy") or name.endswith("_CA_BUNDLE"):
            monkeypatch.delenv(name)


@pytest.fixture
def clock() -> ManualClock:
    """Return a clock that only sleeps advance. The site's jobs and the client's waits share it."""
    return ManualClock()


@pytest.fixture
def site(clock: ManualClock) -> Iterator[SimulatedSite]:
    """Yield an empty site."""
    with SimulatedSite(clock=clock) as running:
        yield running


@pytest.fixture
def raw(site: SimulatedSite) -> Iterator[Raw]:
    """Yield a sender of plain requests to ``site``."""
    found = Raw(site)
    yield found
    found.session.close()


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the URL of a Redis server that runs only for the tests."""
    pytest.importorskip("redis", reason="the extra 'redis' is not installed")
    if shutil.which("redis-server") is None:
        pytest.skip("redis-server is not installed")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    folder = tmp_path_factory.mktemp("redis")
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    server = subprocess.Popen([*command, "--requirepass", "redis-geheim"], stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            break
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.02)
    yield f"redis://127.0.0.1:{port}/0"
    server.terminate()
    server.wait(10)


@pytest.fixture
def redis_url(redis_server: str) -> Iterator[str]:
    """Yield the URL of a Redis server, which is emptied after the test. Its password is ``redis-geheim``."""
    yield redis_server
    import redis

    with redis.Redis.from_url(redis_server, password="redis-geheim") as client:
        client.flushall()


class Result:
    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def data(self) -> Any:
        return json.loads(self.out)


def variables_of(site: SimulatedSite) -> dict[str, str]:
    """Return the environment variables that lead to a site."""
    return {
        "CHECKMK_SERVER_URL": site.url,
        "CHECKMK_SITE": site.site,
        "CHECKMK_USERNAME": site.username,
        "CHECKMK_PASSWORD": site.password,
    }


def use_site(monkeypatch: pytest.MonkeyPatch, site: SimulatedSite) -> None:
    """Set the environment variables that lead to a site."""
    for name, value in variables_of(site).items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def site_for_cli(monkeypatch: pytest.MonkeyPatch) -> Any:
    with SimulatedSite(hosts=3, services=10) as site:
        use_site(monkeypatch, site)
        yield site


@pytest.fixture
def sync(capsys: pytest.CaptureFixture[str]) -> Any:
    def call(*arguments: str) -> Result:
        capsys.readouterr()
        code = run(arguments)
        for handler in list(logging.getLogger("checkmk_sync").handlers):
            logging.getLogger("checkmk_sync").removeHandler(handler)
        return Result(code, *capsys.readouterr())

    return call


Run = Callable[..., Result]
MakeClient = Callable[..., Checkmk]


@pytest.fixture
def connect(clock: ManualClock) -> Iterator[MakeClient]:
    """Yield ``connect(site, **settings)``, which returns a client with the test's clock, closed after the test."""
    opened: list[Checkmk] = []

    def make(to: SimulatedSite, **options: Any) -> Checkmk:
        options.setdefault("clock", clock)
        opened.append(to.client(**options))
        return opened[-1]

    yield make
    for client in opened:
        client.close()


@pytest.fixture
def cmk(site: SimulatedSite, connect: MakeClient) -> Checkmk:
    """Return a client for ``site``."""
    return connect(site)


@pytest.hookimpl(optionalhook=True)  # the tests run without xdist as well
def pytest_xdist_auto_num_workers() -> int:
    """Return two workers per core for ``-n auto``, because the tests spend half of their time waiting."""
    return 2 * (os.cpu_count() or 1)


CASES_IN_THE_CORE_SUITE = 4


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="also run the tests that take longer")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--slow"):
        settings.load_profile("slow")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect slow tests unless --slow is given.

    The core suite runs a few cases of a test with many cases, spread over all of them. The other cases count as slow. A
    test marked with ``every_case`` runs with all its cases.
    """
    cases: dict[Any, list[pytest.Item]] = {}
    for item in items:
        if isinstance(item, pytest.Function) and not any(map(item.get_closest_marker, ("slow", "every_case"))):
            cases.setdefault((item.path, item.cls, item.originalname), []).append(item)
    for group in cases.values():
        step = max(1, len(group) / CASES_IN_THE_CORE_SUITE)
        kept = {int(number * step) for number in range(CASES_IN_THE_CORE_SUITE)}
        for number, item in enumerate(group):
            if number not in kept:
                item.add_marker(pytest.mark.slow)
    if not config.getoption("--slow") and len(items) > 500:  # a selection of a few tests runs completely
        left_out = [item for item in items if item.get_closest_marker("slow")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not item.get_closest_marker("slow")]


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


Show = Callable[..., tuple[list[str], str]]


@pytest.fixture
def show(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Show:
    """Return ``show("hosts list", width=80)``, which returns the lines of stdout on a terminal, and stderr."""

    def shown(line: str, width: int = 80, **environment: str) -> tuple[list[str], str]:
        screen = Screen()
        for name in ("NO_COLOR", "FORCE_COLOR"):
            monkeypatch.delenv(name, raising=False)
        for name, value in {"TERM": "xterm", "COLUMNS": str(width), **environment}.items():
            monkeypatch.setenv(name, value)
        with monkeypatch.context() as patched:
            patched.setattr(sys, "stdout", screen)
            assert run(line.split()) == 0
        return screen.getvalue().splitlines(), capsys.readouterr().err

    return shown
