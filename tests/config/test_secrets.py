"""The section ``secrets`` names secrets for inventories. Their values are read only when they are needed."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest

from checkmk_sync.config.file import load
from checkmk_sync.config.secrets import SecretSource, secret_name
from checkmk_sync.errors import SettingsError

CONNECTION = "checkmk: {server_url: https://mon.example.com, site: prod, username: bot, password_env: BOT}\n"


def _load(folder: Path, text: str) -> Any:
    file = folder / "config.yaml"
    file.write_text(CONNECTION + text, "utf-8")
    file.chmod(0o600)
    return load(file)


def test_each_secret_has_a_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "db.txt").write_text("geheim-db\n", "utf-8")
    (tmp_path / "db.txt").chmod(0o600)
    monkeypatch.setenv("SNMP", "geheim-snmp")
    settings = _load(tmp_path, "secrets: {snmp: {env: SNMP}, db: {file: db.txt}, own: {value: geheim-own}}")
    assert {name: source.reveal() for name, source in settings.secrets.items()} == {
        "snmp": "geheim-snmp",
        "db": "geheim-db",
        "own": "geheim-own",
    }
    assert pickle.loads(pickle.dumps(settings)) == settings
    assert hash(settings) == hash(pickle.loads(pickle.dumps(settings)))
    assert "geheim" not in f"{settings!r} {settings.to_dict()}"


def test_a_configuration_without_the_section_has_no_secrets(tmp_path: Path) -> None:
    assert _load(tmp_path, "").secrets == {}


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("secrets: {snmp: geheim}", "secrets.snmp must be a mapping with one of the keys value, file, env"),
        ("secrets: {snmp: {evn: SNMP}}", "unknown setting secrets.snmp.evn; did you mean 'env'?"),
        ("secrets: {snmp: {env: A, file: b}}", "secrets.snmp must have exactly one source, but file and env are"),
        ("secrets: {snmp: {env: 3}}", "secrets.snmp.env: must be a string; put it in quotes"),
        ("secrets: [snmp]", "secrets: must be a mapping"),
    ],
)
def test_mistakes_name_the_line_and_the_secret(tmp_path: Path, text: str, mistake: str) -> None:
    with pytest.raises(SettingsError) as caught:
        _load(tmp_path, text)
    assert f"config.yaml:2: {mistake}" in str(caught.value)
    assert "geheim" not in str(caught.value)


def test_a_reference_names_a_secret() -> None:
    assert secret_name("secret:snmp") == "snmp"
    assert secret_name("geheim") is None
    assert secret_name(SecretSource(value="secret:x")) is None
