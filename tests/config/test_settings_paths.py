"""Paths are relative to the configuration file, and mistakes in secrets and settings are explained."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

from checkmk_sync import Checkmk, SecretSource, Settings
from checkmk_sync.config.file import load
from checkmk_sync.errors import SettingsError

BASE = "checkmk:\n  server_url: https://mon.example.com\n  site: prod\n  username: automation\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder for a configuration. The current directory is a different one."""
    (tmp_path / "etc").mkdir()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    return tmp_path / "etc"


def _load(folder: Path, lines: str) -> Settings:
    (folder / "config.yaml").write_text(BASE + lines)
    return load(folder / "config.yaml")


def _secret(folder: Path, content: bytes) -> SecretSource:
    (folder / "secret").write_bytes(content)
    (folder / "secret").chmod(0o600)
    return SecretSource(file=str(folder / "secret"))


def test_paths_are_relative_to_the_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _secret(folder, b"geheim\n")
    settings = _load(folder, "  password_file: secret\n  ca_bundle: ../ca.pem\n")
    assert settings.password.reveal() == "geheim"
    assert settings.ca_bundle == str(folder.parent / "ca.pem")
    monkeypatch.chdir(folder)
    relative = load("config.yaml")
    monkeypatch.chdir(folder.parent)
    assert relative == settings, "changing the directory later does not change the settings"
    monkeypatch.setenv("HOME", str(folder))
    assert _load(folder, "  password_file: ~/secret\n").password.reveal() == "geheim"


def test_a_missing_file_is_reported_with_its_full_path(folder: Path) -> None:
    for settings in (_load(folder, "  password_file: nothing\n").password, SecretSource(file="../etc/nothing")):
        with pytest.raises(SettingsError, match=f"the password file {folder}/nothing cannot be read: No such file"):
            settings.reveal()


def test_a_path_in_a_variable_is_relative_to_the_current_directory(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _secret(folder, b"geheim")
    monkeypatch.setenv("CHECKMK_PASSWORD_FILE", "../etc/secret")
    assert _load(folder, "").password.reveal() == "geheim"


@pytest.mark.parametrize("content", [b"geheim\n", b"geheim\r\n", b"\xef\xbb\xbfgeheim", b"\xef\xbb\xbfgeheim\r\n\n"])
def test_line_ends_and_byte_order_marks_of_a_secret_are_removed(folder: Path, content: bytes) -> None:
    assert _secret(folder, content).reveal() == "geheim"


@pytest.mark.parametrize("content", [b"geheim \n", b" geheim", b"geheim\t"])
def test_spaces_around_a_secret_cause_a_warning(folder: Path, content: bytes) -> None:
    with pytest.warns(UserWarning, match="starts or ends with a space") as caught:
        assert _secret(folder, content).reveal() == content.decode().rstrip("\n")
    assert "geheim" not in str(caught[0].message)


def test_spaces_inside_a_secret_are_kept(folder: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert _secret(folder, b"ge heim\n").reveal() == "ge heim"


def test_a_command_may_be_a_list(folder: Path) -> None:
    (folder / "a secret").write_text("geheim\n")
    settings = _load(folder, f"  password_command: [cat, '{folder}/a secret']\n")
    assert settings.password.reveal() == "geheim"
    for wrong in ("[cat, 1]", "[]", "{a: b}", "7"):
        with pytest.raises(SettingsError, match="password_command: must be a string or a list of strings"):
            _load(folder, f"  password_command: {wrong}\n")


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("cat hunter2 | head -1", "exit code 1.*without a shell, so pipes do not work"),
        ("false hunter2", "exit code 1$"),
        ("no-such-command-at-all hunter2", "No such file or directory"),
        (r"printf '\374'", "not UTF-8"),
        ("'unclosed hunter2", "quotation"),
    ],
)
def test_a_failed_password_command_is_explained(command: str, said: str) -> None:
    with pytest.raises(SettingsError, match=f"the password command failed: .*{said}") as caught:
        SecretSource(command=command).reveal()
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("  password_file: ''\n", "checkmk.password_file: must not be empty"),
        ("  password: x\n  timeouts: {read_s: .inf}\n", "checkmk.timeouts.read_s: must be a finite number"),
        ("  password: x\n  timeouts: {read_s: .nan}\n", "checkmk.timeouts.read_s: must be a finite number"),
        ("  password: x\n  timeouts: {read_s: 0}\n", "checkmk.timeouts.read_s: must be at least 0.001"),
        ("  password: x\n  limits: {reads_in_flight: 9}\n", "checkmk.limits.reads_in_flight: must be at most 8"),
        ("  password: x\n  proxy: foo\n", "checkmk.proxy: must be a URL such as http://proxy:3128"),
        ("  password: x\n  proxy: 'user:hunter2@proxy'\n", "checkmk.proxy: must be a URL such as http://proxy:3128"),
        ("  password: x\n  proxy: 'http://proxy:port'\n", "checkmk.proxy: must be a URL such as http://proxy:3128"),
        ("  password: x\nadvanced_features: {recovery: {retry: {max_retries: -1}}}\n",
         "advanced_features.recovery.retry.max_retries: must be at least 0"),
        ("  password: x\nadvanced_features: {caching: {redis_password: x, redis_password_env: Y}}\n",
         "config.yaml:6: the password of Redis must .*redis_password and redis_password_env are given"),
        ("  password: x\nadvanced_features: {caching: {redis_password: 5}}\n",
         "advanced_features.caching.redis_password: must be a string; put it in quotes"),
    ],
)  # fmt: skip
def test_invalid_settings_are_reported_with_the_full_key(folder: Path, lines: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said) as caught:
        _load(folder, lines)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("url", ["https://mon/prod", "https://mon/prod/", "https://mon:8443/a/prod"])
def test_a_server_url_with_the_site_is_refused_with_a_hint(url: str) -> None:
    with pytest.raises(SettingsError, match="must end before the site; remove '/prod'"):
        Checkmk(url, "prod", "automation", "secret")
    assert Settings("https://mon/prod", "other", "u", SecretSource(value="x")).base_url.startswith("https://mon/prod/")


@pytest.mark.parametrize("url", ["https://mon:port", "https://[mon", "https://mon:99999"])
def test_an_invalid_port_is_refused(url: str) -> None:
    with pytest.raises(SettingsError, match="is not a server URL"):
        Checkmk(url, "prod", "automation", "secret")


def test_errors_name_the_invalid_option_of_the_constructor() -> None:
    with pytest.raises(SettingsError, match="^timeouts.read_s: must be at least"):
        Checkmk("https://mon", "prod", "automation", "secret", timeouts={"read_s": -1})
    with pytest.raises(SettingsError, match="^timeouts.read_s: must be a number"):
        Checkmk("https://mon", "prod", "automation", "secret", timeouts={"read_s": "soon"})
