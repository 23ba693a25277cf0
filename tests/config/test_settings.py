"""Configurations are read strictly: every key has an effect, and every mistake is reported with its position."""

from __future__ import annotations

import pickle
import stat
import sys
from pathlib import Path
from typing import Any

import pytest

from checkmk_sync import Checkmk, SecretSource, Settings
from checkmk_sync.config.file import from_env, load
from checkmk_sync.config.records import replace_nested
from checkmk_sync.config.settings import Timeouts
from checkmk_sync.core.redaction import Redactor, hide_userinfo
from checkmk_sync.errors import MissingExtraError, SettingsError

BASE = """\
checkmk:
  server_url: https://mon.example.com/
  site: prod
  username: automation
  password_env: MY_SECRET
"""


def _write(tmp_path: Path, text: str, mode: int = 0o600) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(text)
    path.chmod(mode)
    return path


def test_a_complete_configuration_is_read(tmp_path: Path) -> None:
    text = BASE + (
        "  verify: true\n  ca_bundle: /etc/ca.pem\n  proxy: http://u:p@proxy:3128\n"
        "  timeouts: {connect_s: 1, read_s: 2, bulk_s: 3, total_s: 4, settle_s: 5}\n"
        "  limits: {reads_in_flight: 8, requests_per_second: 20}\n"
        "advanced_features:\n"
        "  streaming: {default_batch_size: 500}\n"
        "  caching: {enabled: false, max_size: 5, default_ttl: 600, status_ttl: 1.5}\n"
        "  batch_processing: {chunk_size: 50}\n"
        "  recovery:\n"
        "    circuit_breaker: {failure_threshold: 10, recovery_timeout: 30}\n"
        "    retry: {max_retries: 5, base_delay: 0.1, max_delay: 9}\n"
    )
    settings = load(_write(tmp_path, text))
    assert settings.base_url == "https://mon.example.com/prod/check_mk/api/1.0"
    assert settings.timeouts == Timeouts(1, 2, 3, 4, 5)
    assert settings.limits.reads_in_flight == 8
    assert settings.streaming.default_batch_size == 500
    assert not settings.caching.enabled
    assert settings.batch_processing.chunk_size == 50
    assert settings.recovery.circuit_breaker.failure_threshold == 10
    assert settings.recovery.retry.max_delay == 9
    assert settings.password.env == "MY_SECRET"


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        (BASE + "  sit: x\n", 6, "unknown setting checkmk.sit; did you mean 'site'?"),
        (BASE + "advanced_featurs: {}\n", 6, "unknown setting advanced_featurs; did you mean 'advanced_features'"),
        (BASE + "  timeouts: {read: 5}\n", 6, "unknown setting checkmk.timeouts.read; did you mean 'read_s'"),
        (BASE + "  timeouts: {read_s: soon}\n", 6, "checkmk.timeouts.read_s: must be a number, not 'soon'"),
        (BASE + "  timeouts:\n    read_s: -1\n", 7, "checkmk.timeouts.read_s: must be at least"),
        (BASE + "  limits: {reads_in_flight: 9}\n", 6, "checkmk.limits.reads_in_flight: must be at most 8"),
        (BASE + "  verify: 1\n", 6, "checkmk.verify: must be true or false"),
        (BASE + "  ca_bundle: [x]\n", 6, "checkmk.ca_bundle: must be the path of a file, not a list"),
        (BASE + "  password: secret\n", 1, "the password must have exactly one source"),
        (BASE + "  password: 1234\n", 6, "checkmk.password: must be a string; put it in quotes"),
        ("checkmk:\n  server_url: https://x\n  site: s\n  username: u\n", 1, "the password is missing"),
        ("checkmk:\n  server_url: https://x\n  password: abcd\n  username: u\n", 1, "checkmk.site is missing"),
        (
            BASE.replace("https://mon.example.com/", "mon.example.com"),
            2,
            "checkmk.server_url: 'mon.example.com' is not",
        ),
        (
            BASE.replace("mon.example.com/", "mon/prod/check_mk/"),
            2,
            "checkmk.server_url: the server URL must end before",
        ),
        (
            BASE.replace("mon.example.com", "user:pw@mon"),
            2,
            "checkmk.server_url: the server URL must not contain a user",
        ),
        (BASE.replace("site: prod", "site: prod/x"), 3, "checkmk.site: 'prod/x' is not a site ID"),
        (BASE.replace("username: automation", "username: a b"), 4, "checkmk.username: 'a b' is not a user ID"),
        ("checkmk: [1]\n", 1, "checkmk: must be a mapping"),
        ("- 1\n", 1, "the configuration must be a mapping"),
        (
            BASE + "advanced_features:\n  recovery: {retry: 3}\n",
            7,
            "advanced_features.recovery.retry: must be a mapping",
        ),
        (
            BASE + "advanced_features:\n  recovery: {retry: {strategy: slow}}\n",
            7,
            "advanced_features.recovery.retry.strategy: unknown strategy 'slow'; use one of: fixed, linear, exp",
        ),
        (
            BASE + "advanced_features:\n  recovery: {circuit_breaker: {failure_rate: 2}}\n",
            7,
            "advanced_features.recovery.circuit_breaker.failure_rate: must be at most 1",
        ),
        (
            BASE + "advanced_features:\n  caching: {backend: x}\n",
            7,
            "advanced_features.caching.backend: unknown backend",
        ),
        (
            BASE + "advanced_features:\n  caching: {backend: redis}\n",
            7,
            "advanced_features.caching.redis_url: the backend",
        ),
    ],
)
def test_a_mistake_is_reported_with_file_line_and_hint(tmp_path: Path, text: str, line: int, said: str) -> None:
    path = _write(tmp_path, text)
    with pytest.raises(SettingsError) as caught:
        load(path)
    assert str(caught.value).startswith(f"{path}:{line}: {said}")
    assert (caught.value.file, caught.value.line) == (str(path), line)
    assert "pw" not in str(caught.value)


def test_unreadable_files_are_explained(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read: No such file"):
        load(tmp_path / "nothing.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"checkmk: {site: \xfc}")
    with pytest.raises(SettingsError, match="not UTF-8"):
        load(tmp_path / "latin.yaml")


def test_the_environment_alone_is_sufficient(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match="checkmk.server_url is missing .add it or set CHECKMK_SERVER_URL"):
        monkeypatch.setenv("CHECKMK_PASSWORD", "geheim")
        from_env()
    for name, value in {"SERVER_URL": "https://mon", "SITE": "s", "USERNAME": "u"}.items():
        monkeypatch.setenv(f"CHECKMK_{name}", value)
    settings = from_env()
    assert settings.password.reveal() == "geheim"
    assert b"geheim" not in pickle.dumps(settings)
    with Checkmk.from_env() as client:
        assert client.settings == settings


def test_the_file_wins_over_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHECKMK_SITE", "other")
    monkeypatch.setenv("CHECKMK_PASSWORD_FILE", "/nowhere")
    settings = load(_write(tmp_path, BASE))
    assert settings.site == "prod"
    assert settings.password == SecretSource(env="MY_SECRET")


def test_a_password_in_a_file_that_others_may_read_causes_a_warning(tmp_path: Path) -> None:
    text = BASE.replace("password_env: MY_SECRET", "password: geheim")
    with pytest.warns(UserWarning, match="chmod 600"):
        load(_write(tmp_path, text, mode=0o644))
    assert load(_write(tmp_path, text, mode=0o600)).password.reveal() == "geheim"


def test_secrets_come_from_files_environment_and_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "secret"
    path.write_text("from file\n")
    path.chmod(stat.S_IRUSR)
    monkeypatch.setenv("MY_SECRET", "from env")
    command = f"{sys.executable} -c \"print('from command; $HOME')\""
    assert SecretSource(file=str(path)).reveal() == "from file"
    assert SecretSource(env="MY_SECRET").reveal() == "from env"
    assert SecretSource(command=command).reveal() == "from command; $HOME"


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ({"file": "/nowhere/secret"}, "cannot be read"),
        ({"env": "NOT_SET_AT_ALL"}, "environment variable NOT_SET_AT_ALL is empty"),
        ({"command": "false hunter2"}, "the password command failed"),
        ({"command": "'unclosed"}, "the password command failed"),
        ({"value": ""}, "is empty"),
        ({"value": "two\nlines"}, "more than one line"),
    ],
)
def test_a_missing_or_invalid_secret_is_explained(source: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError, match=said) as caught:
        SecretSource(**source).reveal("automation")
    assert "hunter2" not in str(caught.value)


def test_a_keyring_without_its_extra_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(MissingExtraError, match=r"checkmk_sync\[keyring\]"):
        SecretSource(keyring="checkmk").reveal("automation")


def test_a_password_must_have_exactly_one_source() -> None:
    with pytest.raises(SettingsError, match="none is given"):
        SecretSource()
    with pytest.raises(SettingsError, match="value and file are given"):
        SecretSource(value="a", file="b")


def test_conflicting_password_sources_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SERVER_URL", "SITE", "USERNAME", "PASSWORD", "PASSWORD_FILE"):
        monkeypatch.setenv(f"CHECKMK_{name}", "https://mon" if name == "SERVER_URL" else "x")
    with pytest.raises(SettingsError, match="one source, but CHECKMK_PASSWORD_FILE and CHECKMK_PASSWORD are given"):
        from_env()
    (tmp_path / "c.yaml").write_text("checkmk:\n  password_command: x\n  keyring: y\n")
    with pytest.raises(SettingsError, match="c.yaml:1: .*one source, but password_command and keyring are given"):
        load(tmp_path / "c.yaml")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"limits": {"reads_in_flight": 2.5}}, "^limits.reads_in_flight: must be a whole number, not 2.5"),
        ({"batch_processing": {"chunk_size": 2.0}}, "^batch_processing.chunk_size: must be a whole number"),
        ({"caching": {"backend": "redis", "redis_url": "redis://[::1"}}, "^caching.redis_url: must be a URL"),
        ({"caching": {"redis_url": "redis://h?password=hunter2"}}, "^caching.redis_url: must not contain a password"),
        ({"recovery": {"retry": {"strategy": "slow"}}}, "^recovery.retry.strategy: unknown strategy 'slow'"),
        ({"site": "a b"}, "^'a b' is not a site ID"),
        ({"server_url": "https://.example.com"}, "^'https://.example.com' is not a server URL"),
        ({"server_url": "https://a..b"}, "is not a server URL"),
        ({"server_url": "https://mon itoring.example.com"}, "is not a server URL"),
        ({"server_url": "https://mon%zz.example.com"}, "is not a server URL"),
        ({"server_url": "https://☃.example.com"}, "is not a server URL"),
        ({"server_url": f"https://{'x' * 64}.org"}, "is not a server URL"),
    ],
)
def test_invalid_settings_are_refused_at_once(changes: dict[str, Any], said: str) -> None:
    settings = Settings("https://mon", "s", "u", SecretSource(value="x"))
    with pytest.raises(SettingsError, match=said) as caught:
        replace_nested(settings, changes)
    assert "hunter2" not in str(caught.value)


def test_settings_pickle_and_show_no_secret() -> None:
    settings = Settings("https://mon", "s", "u", SecretSource(value="hunter2"), proxy="http://me:hunter3@proxy:1")
    assert pickle.loads(pickle.dumps(settings)) == settings
    shown = f"{settings!r} {settings.to_dict()} {settings.password!r}"
    assert "hunter" not in shown
    assert settings.to_dict()["proxy"] == "http://***@proxy:1"


def test_a_secret_source_shows_only_its_location() -> None:
    source = SecretSource(command="vault read --token=hunter2 x")
    assert repr(source) == "SecretSource(the password command)"
    assert "hunter2" not in repr(Settings("https://mon", "s", "u", source))


@pytest.mark.parametrize(
    "url", ["admin:hunter2@mon", "https:admin:hunter2@mon", "ftp://a:hunter2@mon", "https://a:hunter2@"]
)
def test_an_invalid_server_url_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(SettingsError, match="is not a server URL") as caught:
        Settings(url, "s", "u", SecretSource(value="x"))
    assert "hunter2" not in str(caught.value)


def test_nested_settings_are_replaced_by_name() -> None:
    settings = Settings("https://mon", "s", "u", SecretSource(value="x"))
    changed = replace_nested(settings, {"timeouts": {"read_s": 5}, "recovery": {"retry": {"max_retries": 0}}})
    assert changed.timeouts == Timeouts(read_s=5)
    assert changed.recovery.retry.max_retries == 0
    assert changed.recovery.circuit_breaker == settings.recovery.circuit_breaker
    with pytest.raises(TypeError, match="unknown setting nothing"):
        replace_nested(settings, {"nothing": 1})
    with pytest.raises(SettingsError, match="unknown setting recovery.retry.max_retry; did you mean 'max_retries'"):
        replace_nested(settings, {"recovery": {"retry": {"max_retry": 1}}})


def test_every_form_of_a_secret_is_redacted() -> None:
    redact = Redactor(["p@ss wörd"], "me")
    for form in ("p@ss wörd", "p%40ss%20w%C3%B6rd", "p%40ss+w%C3%B6rd", "bWU6cEBzcyB3w7ZyZA=="):
        assert redact(f"<{form}>") == "<***>"
    assert redact("nothing here") == "nothing here"
    assert "p@ss" not in repr(redact)


def test_urls_are_shown_without_users() -> None:
    assert hide_userinfo("http://a:b@c:1") == "http://***@c:1"
    assert hide_userinfo("a:b@c:1") == "***@c:1"
    assert hide_userinfo("http://c:1") == "http://c:1"


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("HTTPS://Mon.Example.com", "https://mon.example.com"),
        ("https://mon.example.com:443/Prefix/", "https://mon.example.com/Prefix"),
        ("http://[::1]:80", "http://[::1]"),
        ("https://mon:8080", "https://mon:8080"),
    ],
)
def test_spellings_of_one_server_url_are_normalized(given: str, meant: str) -> None:
    assert Checkmk(given, "s", "u", "x").settings.server_url == meant
