"""A damaged or malicious document raises one clear error, and needs no more time and memory than a valid one."""

from __future__ import annotations

import io
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable

import pytest
import yaml

from checkmk_sync.catalogue.attributes import attribute_value
from checkmk_sync.config import file as configuration
from checkmk_sync.config import positions
from checkmk_sync.config.documents import read_json, read_limited, read_yaml
from checkmk_sync.config.secrets import SecretSource
from checkmk_sync.errors import InventoryError, SettingsError
from checkmk_sync.sync import load
from checkmk_sync.sync.sources import InventoryText, from_text

LONG, DEEP = "7" * 5000, "[" * 100_000
HOST = '{{"hosts": [\n{{"name": "a",\n "attributes": {{"x": {}}}}}\n]}}'

JSON = [
    (HOST.format(LONG), "a.json:3:22: a number has more than 400 digits"),
    (HOST.format("-" + LONG), "a.json:3:22: a number has more than 400 digits"),
    (HOST.format("NaN"), "a.json:3:22: this is not valid JSON: NaN is not a JSON value"),
    (HOST.format("[1, -Infinity]"), "a.json:3:26: this is not valid JSON: -Infinity is not a JSON value"),
    (HOST.format("1e999"), "a.json:3:17: host a: x is read as Infinity, which is not a finite number"),
    (HOST.format(DEEP), "a.json:3:69: the document is nested deeper than 50 levels"),
    (HOST.format(DEEP + "]" * 100_000), "a.json:3:69: the document is nested deeper than 50 levels"),
    (HOST.format("[" * 300 + "]" * 300), "a.json:3:69: the document is nested deeper than 50 levels"),
    (HOST.format('{"a":' * 900 + "1" + "}" * 900), "a.json:3:257: the document is nested deeper than 50 levels"),
    (HOST.format('{"k": 1,\n "l": 2, "k": 3}'), "a.json:4:10: the key 'k' occurs twice in one object"),
    (HOST.format('"\\ud83d"'), "a.json:3:22: a string contains half of a character"),
    (HOST.format('{"\\uDC00": 1}'), "a.json:3:23: a string contains half of a character"),
    (DEEP, "a.json:1:52: the document is nested deeper than 50 levels"),
    ('{"hosts": [], "hosts": [{"name": "a"}]}', "a.json:1:15: the key 'hosts' occurs twice in one object"),
    (HOST.format('"a\tb"'), "a.json:3:24: this is not valid JSON: Invalid control character"),
    ('["half', "a.json:1:2: this is not valid JSON: Unterminated string"),
    ("[]]", "a.json:1:3: this is not valid JSON: Extra data"),
    ("[{'name': 'a'}]", "a.json:1:3: this is not valid JSON"),
]


@pytest.mark.parametrize(("text", "said"), JSON, ids=range(len(JSON)))
def test_damaged_json_is_reported_as_one_mistake_with_its_location(text: str, said: str) -> None:
    with pytest.raises(InventoryError) as caught:
        from_text(InventoryText("a.json", text))
    assert [str(problem)[: len(said)] for problem in caught.value.problems] == [said]
    assert len(str(caught.value)) < 500


def test_surrogate_pairs_may_be_escaped() -> None:
    data = read_json('{"a": "\\ud83d\\ude00", "b": "\\\\ud83d", "\\ud83d\\ude00\\u00e4": 1}', "a").data
    assert data == {"a": "\U0001f600", "b": "\\ud83d", "\U0001f600ä": 1}


def test_numbers_of_usual_length_are_read() -> None:
    assert read_json("[1, -2, 1.5, 123456789012345678901234567890]", "a").data == [
        1,
        -2,
        1.5,
        123456789012345678901234567890,
    ]


YAML = [
    (f"a: {LONG}", "a.yaml:1:4: a number has more than 400 digits"),
    (f"a: 0x{'f' * 5000}", "a.yaml:1:4: a number has more than 400 digits"),
    (f"a: 0b{'1' * 50_000}", "a.yaml:1:4: a number has more than 400 digits"),
    (DEEP, "a.yaml"),
    ("- " * 100_000, "a.yaml"),
    ("{a: " * 100_000, "a.yaml"),
    ("a: !!bool x", "a.yaml:1:4: 'x' is not valid for its tag"),
    ("a: !!timestamp x", "a.yaml:1:4: 'x' is not valid for its tag"),
    ("? !!timestamp x\n: 1", "a.yaml:1:3: 'x' is not valid for its tag"),
    ("? !!float x\n: 1", "a.yaml:1:3: 'x' is not valid"),
    ("a: 2024-13-45", "a.yaml:1:4: '2024-13-45' is not valid"),
    ("b: 1\na: \x00", "a.yaml:2:4: this is not valid YAML: the character U+0000 is not allowed"),
    ("b: ä\na: ü\x1b", "a.yaml:2:5: this is not valid YAML: the character U+001B is not allowed"),
    ("b: 1\n\ta: 2", "a.yaml:2:1: this is not valid YAML"),
    ("a: 1\n---\nb: 2", "a.yaml:2:1: this is not valid YAML"),
    ('a: "\\ud800"', "a.yaml:1:"),
]


@pytest.mark.parametrize("loader", [yaml.SafeLoader, positions._safe_loader], ids=["python", "libyaml"])
@pytest.mark.parametrize(("text", "said"), YAML, ids=range(len(YAML)))
def test_damaged_yaml_is_reported_as_one_mistake_with_its_location(
    text: str, said: str, loader: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(positions, "_safe_loader", loader)
    with pytest.raises(SettingsError) as caught:
        read_yaml(text, "a.yaml")
    assert str(caught.value).startswith(said)
    assert len(str(caught.value)) < 500
    assert caught.value.__cause__ is None or "yaml" in type(caught.value.__cause__).__module__


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        (f"[{LONG}]", "(character 2: a number has more than 400 digits"),
        (DEEP, "nested deeper than 50 levels"),
        ('{"a": 1, "a": 2}', "(character 10: the key 'a' occurs twice"),
        ('["\\ud800"]', "half of a character"),
        ("[NaN]", "(character 2: NaN is not a JSON value)"),
        ("{oops", "(character 2: Expecting property name"),
        ("[1,\n2", "(line 2 of the value, character 2: Expecting ',' delimiter)"),
        ("['a']", "(character 2: Expecting value)"),
        ('["half', "(character 2: Unterminated string)"),
        ('["a\tb"]', "(character 4: Invalid control character)"),
    ],
)
def test_damaged_json_in_a_cell_is_refused(cell: str, why: str) -> None:
    with pytest.raises(ValueError, match="starts like JSON but is not valid JSON") as caught:
        attribute_value("x", cell)
    assert why in str(caught.value)
    assert len(str(caught.value)) < 300
    position = r"(line \d+ of the value, )?character \d+"
    hidden = rf"^the hidden value starts like JSON but is not valid JSON \({position}: [\w ',]+\)$"
    with pytest.raises(ValueError, match=hidden):
        attribute_value("snmp_community", cell)


@pytest.mark.parametrize("text", [DEEP, "- " * 100_000, "{a: " * 100_000, "? " * 100_000, "a:\n" + " " * 60 + "b: [1]"])
def test_deep_yaml_is_refused_before_old_libyaml_crashes(text: str) -> None:
    if "b:" in text:
        assert read_yaml(text, "a.yaml").data == {"a": {"b": [1]}}
        return
    problems = "nested deeper|nesting depth|a key must be a single value"
    with pytest.raises(SettingsError, match=rf"^a\.yaml:1:\d+: .*({problems})"):
        read_yaml(text, "a.yaml")


class _Watched(io.RawIOBase):
    """A file of a given length that records the largest read."""

    def __init__(self, length: int) -> None:
        self.left, self.asked = length, 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        self.asked = max(self.asked, size)
        given = min(size, self.left, 1000)
        self.left -= given
        return b"x" * given


@pytest.mark.parametrize(
    ("length", "limit", "read"), [(0, 10, 0), (10, 10, 10), (11, 10, 11), (5000, 10, 11), (2500, 2500, 2500)]
)
def test_files_are_read_in_pieces_up_to_the_limit(length: int, limit: int, read: int) -> None:
    source: Any = _Watched(length)
    assert len(read_limited(source, limit)) == read
    assert source.asked <= min(limit + 1, 2**20)
    source = _Watched(5000)
    assert len(read_limited(source, 2**40)) == 5000
    assert source.asked <= 2**20


@pytest.mark.slow
@pytest.mark.parametrize("name", ["a.csv", "a.json", "a.yaml", "-"])
def test_a_small_inventory_needs_little_memory(tmp_path: Path, name: str) -> None:
    text = "name\nweb01\n" if name in ("a.csv", "-") else '[{"name": "web01"}]'
    (tmp_path / name).write_text(text)
    code = "import sys\nfrom checkmk_sync.sync import load\nprint(*load(sys.argv[1]).objects)"
    done = subprocess.run(
        [sys.executable, "-c", code, name],
        cwd=tmp_path,
        input=text,
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (300_000 * 1024,) * 2),
    )
    assert done.stdout == "('host', 'web01')\n", done.stderr


def _password(path: str) -> object:
    return SecretSource(file=path).reveal()


@pytest.mark.parametrize(
    ("read", "said"),
    [(load, "larger than 256 MiB"), (configuration.load, "larger than 1024 KiB"), (_password, "larger than 64 KiB")],
)
@pytest.mark.filterwarnings("ignore:.* others may read it")
def test_endless_files_are_refused(read: Callable[[str], object], said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if read is load:
        monkeypatch.setattr("checkmk_sync.sync.sources.MAX_BYTES", 2**20)
        said = "larger than 1 MiB"
    with pytest.raises((SettingsError, InventoryError), match=said):
        read("/dev/zero")


@pytest.mark.parametrize("read", [load, configuration.load, _password])
@pytest.mark.parametrize("name", ["", "a\0b", "x" * 5000, "/", "nowhere/a.yaml"])
def test_invalid_file_names_are_refused(read: Callable[[str], object], name: str) -> None:
    with pytest.raises((SettingsError, InventoryError), match="cannot be read"):
        read(name)
