"""The secret does not appear in any log record, repr, error, dictionary, cache or process listing."""

from __future__ import annotations

import base64
import gc
import io
import json
import logging
import os
import pickle
import subprocess
import sys
import traceback
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, Iterator

import pytest
import requests
import responses

from checkmk_sync import Checkmk, SecretSource, Settings
from checkmk_sync.cli.app import run
from checkmk_sync.commands.doctor import diagnose
from checkmk_sync.errors import CheckmkError
from checkmk_sync.sync import apply_plan, from_data, make_plan
from checkmk_sync.testing import Fault, SimulatedSite
from tests.conftest import use_site

SECRET = "s3cr3t-hunter2/+=%"
PROXY_SECRET = "pr0xy-hunter3"
FORMS = ("hunter2", base64.b64encode(f"automation:{SECRET}".encode()).decode(), PROXY_SECRET)


@pytest.fixture
def secret_site() -> Iterator[SimulatedSite]:
    with SimulatedSite(password=SECRET, services=4) as site:
        yield site


@pytest.fixture
def records(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("urllib3").setLevel(logging.DEBUG)
    return caplog


def _assert_clean(text: str) -> None:
    for form in FORMS:
        assert form not in text


def _everything_said_by(error: BaseException) -> str:
    said = [repr(error), str(error), "".join(traceback.format_exception(type(error), error, error.__traceback__))]
    inside = error.__traceback__.tb_next if error.__traceback__ is not None else None  # without the test's own frame
    shown = traceback.TracebackException(type(error), error, inside, capture_locals=True)
    said += [*shown.format(), repr(error.__cause__), repr(error.__context__)]
    if isinstance(error, CheckmkError):
        said += [json.dumps(error.to_dict(), default=repr), repr(vars(error)), repr(pickle.dumps(error))]
    return "\n".join(said)


def test_a_complete_run_shows_no_secret(secret_site: SimulatedSite, records: pytest.LogCaptureFixture) -> None:
    with secret_site.client() as cmk:
        inventory = from_data({"hosts": [{"name": f"h{n}", "folder": "/a"} for n in range(5)]})
        plan = make_plan(cmk, inventory, owner="me")
        report = apply_plan(cmk, plan)
        cmk.hosts.get("h0")
        cmk.hosts.get("h0")
        shown = [repr(cmk), repr(cmk.settings), cmk.settings.to_dict(), cmk.metrics(), plan.to_dict(), report.to_dict()]
        shown += [repr(vars(cmk._transport)), repr(cmk._transport._authorization), repr(cmk._transport._redact)]
        shown += [repr(vars(entry.value)) for entry in cmk._transport.cache.storage._entries._entries.values()]
    assert "GET" in records.text
    _assert_clean(records.text + repr(shown) + repr(secret_site.requests))


@pytest.mark.parametrize(
    "fault",
    [
        Fault("status", status=504),
        Fault("crash"),
        Fault("html"),
        Fault("reset_before"),
        Fault("cut"),
        Fault("truncate"),
        Fault("lock"),
    ],
    ids=lambda fault: fault.kind,
)
def test_failures_show_no_secret(secret_site: SimulatedSite, records: Any, fault: Fault) -> None:
    secret_site.set_faults([fault])
    options = {"recovery": {"retry": {"base_delay": 0.001}}, "timeouts": {"settle_s": 0}}
    with secret_site.client(**options) as cmk:
        for call in (cmk.version, lambda: cmk.hosts.create("x"), lambda: list(cmk.hosts.each())):
            with pytest.raises(CheckmkError) as caught:
                call()
            _assert_clean(_everything_said_by(caught.value))
    _assert_clean(records.text)


def test_secrets_repeated_by_the_server_are_hidden(records: Any) -> None:
    """Proxies and crash reports quote the request that they received."""
    basic = FORMS[1]
    bodies: list[Any] = [
        json.dumps(
            {"title": "x", "detail": f"Bearer automation {SECRET}", "fields": {SECRET: [SECRET]}, "ext": {"a": SECRET}}
        ),
        f"<html>Authorization: Basic {basic} / Bearer automation {SECRET}</html>",
        SECRET,
    ]
    for status in (400, 401, 404, 429, 500, 502):
        for body in bodies:
            with responses.RequestsMock() as mock:
                mock.get("https://mon/s/check_mk/api/1.0/version", status=status, body=body)
                settings = {"recovery": {"retry": {"max_retries": 0}}}
                with Checkmk("https://mon", "s", "automation", SECRET, **settings) as cmk:
                    with pytest.raises(CheckmkError) as caught:
                        cmk.version()
                    _assert_clean(_everything_said_by(caught.value))
    _assert_clean(records.text)


def test_proxy_passwords_are_hidden(records: Any) -> None:
    proxy = f"http://user:{PROXY_SECRET}@127.0.0.1:1"
    settings = {"proxy": proxy, "recovery": {"retry": {"max_retries": 0}}}
    with Checkmk("https://mon.example.com", "s", "automation", SECRET, **settings) as cmk:
        with pytest.raises(CheckmkError) as caught:
            cmk.version()
        _assert_clean(_everything_said_by(caught.value) + repr(cmk.settings) + str(cmk.settings.to_dict()))
    _assert_clean(records.text)


def test_errors_of_requests_carry_no_request(secret_site: SimulatedSite) -> None:
    secret_site.set_faults([Fault("reset_before", times=1)])
    with secret_site.client(recovery={"retry": {"max_retries": 0}}) as cmk, pytest.raises(CheckmkError) as caught:
        cmk.version()
    cause = caught.value.__cause__
    assert isinstance(cause, requests.RequestException)
    assert cause.request is None
    assert cause.response is None


def test_pickled_references_contain_no_secret(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text(SECRET)
    path.chmod(0o600)
    settings = Settings("https://mon", "s", "automation", SecretSource(file=str(path)))
    assert b"hunter2" not in pickle.dumps(settings)
    assert pickle.loads(pickle.dumps(settings)).password.reveal() == SECRET


def test_the_command_line_shows_no_secret(secret_site: SimulatedSite, monkeypatch: pytest.MonkeyPatch) -> None:
    use_site(monkeypatch, secret_site)
    logger = logging.getLogger("checkmk_sync")
    for arguments in (
        ["doctor"],
        ["-vv", "hosts", "list"],
        ["hosts", "get", "nope"],
        ["--json", "hosts", "get", "nope"],
    ):
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            run(arguments)
        for handler in list(logger.handlers):
            logger.removeHandler(handler)
        _assert_clean(out.getvalue() + err.getvalue())
    assert not any(
        "hunter2" in finding.message
        for finding in diagnose(Settings(secret_site.url, "s", "automation", SecretSource(env="CHECKMK_PASSWORD")))
    )


def test_process_listings_show_no_secret(secret_site: SimulatedSite, tmp_path: Path) -> None:
    """A process receives the secret from its environment or from a file, never as an argument."""
    path = tmp_path / "secret"
    path.write_text(SECRET)
    path.chmod(0o600)
    command = [sys.executable, "-m", "checkmk_sync", "simulate", "--port", "0", "--password-file", str(path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert "Simulated Checkmk" in process.stdout.readline()
        listing = Path(f"/proc/{process.pid}/cmdline")
        arguments = listing.read_text() if listing.exists() else " ".join(command)
        _assert_clean(arguments)
    finally:
        process.terminate()
        output = process.communicate(timeout=20)[0]
    _assert_clean(output)


@pytest.mark.slow
def test_nothing_is_written_to_disk(
    secret_site: SimulatedSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with secret_site.client() as cmk:
        cmk.folders.get("/")
        cmk.folders.get("/")
    gc.collect()
    assert os.listdir(tmp_path) == []
