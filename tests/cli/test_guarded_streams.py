"""The replacements of stdout and stderr have the complete interface of text streams."""

from __future__ import annotations

import io
import os
import sys
from typing import Any, Optional, TextIO

import click
import pytest
from rich.console import Console

from checkmk_sync.cli.guarded_streams import GuardedStream, guarded


def _over_bytes(encoding: str = "utf-8") -> tuple[GuardedStream, io.BytesIO]:
    raw = io.BytesIO()
    return GuardedStream(io.TextIOWrapper(raw, encoding=encoding, newline="\n")), raw


def test_text_and_bytes_keep_their_order() -> None:
    stream, raw = _over_bytes()
    stream.write("one ")
    stream.buffer.write(b"two ")
    stream.writelines(["three ", "four "])
    click.echo(b"five ", file=stream, nl=False)
    click.echo("six ", file=stream, nl=False)
    print("seven", file=stream, flush=True)
    assert raw.getvalue() == b"one two three four five six seven\n"


def test_text_printed_before_stays_first(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(raw, newline="\n"))
    print("before")
    with guarded():
        print("guarded", flush=True)
    assert raw.getvalue() == b"before\nguarded\n"


def test_a_stream_without_a_buffer_gets_bytes_as_text() -> None:
    text = io.StringIO()
    stream = GuardedStream(text)
    assert stream.buffer.write("grün ".encode()) == 6
    click.echo("größer".encode(), file=stream)
    assert text.getvalue() == "grün größer\n"


@pytest.mark.parametrize("data", [b"ab", bytearray(b"ab"), memoryview(b"ab")], ids=lambda data: type(data).__name__)
def test_the_buffer_takes_all_kinds_of_bytes(data: Any) -> None:
    stream, raw = _over_bytes()
    assert stream.buffer.write(data) == 2
    assert raw.getvalue() == b"ab"


def test_a_stream_refuses_bytes_and_its_buffer_refuses_text() -> None:
    stream, raw = _over_bytes()
    with pytest.raises(TypeError):
        stream.write(b"x")  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        stream.buffer.write("x")
    assert raw.getvalue() == b""


@pytest.mark.parametrize(
    "stream", [None, io.StringIO(), io.TextIOWrapper(io.BytesIO(), "ascii")], ids=["none", "text", "bytes"]
)
def test_a_guarded_stream_has_the_interface_of_a_text_stream(stream: Optional[TextIO]) -> None:
    guarded_stream = GuardedStream(stream)
    assert isinstance(guarded_stream, io.TextIOBase)
    assert guarded_stream.encoding in ("utf-8", "ascii")
    assert guarded_stream.newlines is None
    assert (guarded_stream.writable(), guarded_stream.readable(), guarded_stream.seekable()) == (True, False, False)
    assert (guarded_stream.isatty(), guarded_stream.buffer.isatty(), guarded_stream.closed) == (False, False, False)
    guarded_stream.reconfigure(line_buffering=True)
    for method in (guarded_stream.fileno, guarded_stream.buffer.fileno, guarded_stream.read):
        with pytest.raises(io.UnsupportedOperation):
            method()
    guarded_stream.close()
    guarded_stream.buffer.close()
    assert guarded_stream.write("still open\u2026") == 11
    guarded_stream.buffer.write(b"x")
    guarded_stream.flush()
    assert not hasattr(guarded_stream, "nonsense")


def test_attributes_of_the_stream_are_passed_on() -> None:
    with open(os.devnull, "w", encoding="utf-8") as file:
        stream = GuardedStream(file)
        assert stream.name == os.devnull
        assert stream.fileno() == file.fileno()
        stream.reconfigure(line_buffering=True)
        assert stream.line_buffering
    with pytest.raises(ValueError, match="closed"):
        stream.write("x")
    stream, _ = _over_bytes("ascii")
    stream.reconfigure(encoding="utf-8")
    assert stream.encoding == "utf-8"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
@pytest.mark.parametrize("as_bytes", [False, True])
def test_a_full_disk_is_recorded_and_raises_nothing(as_bytes: bool) -> None:
    with open("/dev/full", "w", encoding="utf-8", buffering=1) as file:
        stream = GuardedStream(file)
        for _ in range(3):
            stream.buffer.write(b"x\n") if as_bytes else stream.write("x\n")
            stream.flush()
        assert stream.guard.broken is not None and stream.guard.broken.strerror == "No space left on device"
        assert not stream.guard.is_read
        with pytest.raises(OSError):
            file.close()


def test_libraries_write_through_a_guarded_stream(capsys: pytest.CaptureFixture[str]) -> None:
    with guarded() as out:
        assert sys.stdout.buffer is out
        click.echo(b"bytes")
        click.echo("text")
        click.secho("styled", fg="red")
        Console().print("rich")
        sys.stdout.buffer.write(b"raw\n")
        sys.stdout.writelines(["a\n", "b\n"])
    assert capsys.readouterr().out.splitlines() == ["bytes", "text", "styled", "rich", "raw", "a", "b"]
