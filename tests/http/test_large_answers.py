"""A small answer that decompresses to a very large one takes little memory and little time."""

from __future__ import annotations

import http.server
import threading
import time
import tracemalloc
import zlib
from typing import Any, Callable, Iterator

import pytest

from checkmk_sync import Checkmk, Outcome, Status
from checkmk_sync.core.call import Call, CallKind
from checkmk_sync.errors import CheckmkError, DeadlineError, NotFoundError, ReplyTooLargeError, UnexpectedReplyError

MB = 2**20
HEADERS = {"Content-Type": "application/json", "Content-Encoding": "gzip", "X-Checkmk-Version": "2.4.0p18"}


def _bomb(start: bytes, piece: bytes, mb: int, end: bytes = b"") -> bytes:
    """Return ``start``, ``mb`` megabytes of the repeated ``piece``, and ``end``, compressed with gzip."""
    squeeze = zlib.compressobj(9, zlib.DEFLATED, 31)
    parts = [squeeze.compress(start)]
    parts += [squeeze.compress(piece * (MB // len(piece))) for _ in range(mb)]
    return b"".join([*parts, squeeze.compress(end), squeeze.flush()])


class _Server(http.server.ThreadingHTTPServer):
    answer: tuple[int, bytes] = (200, b"")


@pytest.fixture
def server() -> Iterator[_Server]:
    class Handler(http.server.BaseHTTPRequestHandler):
        server: _Server  # type: ignore[assignment]

        def _answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, body = self.server.answer
            self.send_response(status)
            for name, value in {**HEADERS, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_DELETE = _answer

        def log_message(self, *_: Any) -> None:
            pass

    with _Server(("127.0.0.1", 0), Handler) as serving:
        serving.handle_error = lambda *_: None  # type: ignore[method-assign,assignment]
        thread = threading.Thread(target=serving.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield serving
        serving.shutdown()
        thread.join()


def _client(server: _Server, **options: Any) -> Checkmk:
    options = {"limits": {"max_reply_mb": 1}, "recovery": {"retry": {"max_retries": 0}}, **options}
    options.setdefault("timeouts", {"settle_s": 0})
    return Checkmk(f"http://127.0.0.1:{server.server_port}", "s", "automation", "geheim", **options)


CALLS: dict[str, Callable[[Checkmk], Any]] = {
    "read": lambda cmk: cmk.hosts.get("h"),
    "status": lambda cmk: list(cmk.services.each(host="h")),
    "write": lambda cmk: cmk.folders.create_absent("/h"),
    "list": lambda cmk: list(cmk.folders.each()),
    "health": lambda cmk: cmk.version(),
    "bulk": lambda cmk: cmk.hosts.bulk_create([{"host_name": "h"}]).raise_for_failures(),
}


@pytest.mark.parametrize(
    "parts",
    [
        (b'{"value": ["', b"x" * 1024, 100, b'"]}'),
        (b'{"value": [', b"[" * 1024, 100),
        (b'{"title": "', b"\\u0000" * 128, 100, b'"}'),
        (b"", b" " * 1024, 100),
    ],
    ids=["one text", "brackets", "title", "blanks"],
)
@pytest.mark.parametrize("status", [200, 404, 503])
def test_large_answers_take_little_memory(server: _Server, status: int, parts: Any) -> None:
    body = _bomb(*parts)
    server.answer = (status, body)
    assert len(body) < 600_000
    for name, call in CALLS.items():
        with _client(server) as cmk:
            tracemalloc.start()
            try:
                with pytest.raises(CheckmkError) as caught:
                    call(cmk)
                _, peak = tracemalloc.get_traced_memory()
            finally:
                tracemalloc.stop()
            assert peak < 24 * MB, name
            if name == "bulk":
                assert [outcome.status for outcome in caught.value.outcomes] == [Status.UNKNOWN]
            if name == "write":
                assert Outcome.failed("h", caught.value).status is Status.UNKNOWN


def test_the_error_names_the_setting_of_the_limit(server: _Server) -> None:
    server.answer = (200, _bomb(b'{"value": ["', b"x" * 1024, 3, b'"]}'))
    with _client(server) as cmk:
        for call in (cmk.version, lambda: list(cmk.folders.each())):
            with pytest.raises(ReplyTooLargeError, match=r"larger than 1 MB \(limits.max_reply_mb\)") as caught:
                call()
            assert caught.value.limit_bytes == MB
    with _client(server, limits={"max_reply_mb": 8}) as cmk, pytest.raises(UnexpectedReplyError):
        cmk.version()


def test_the_error_names_no_setting_if_the_call_has_its_own_limit(server: _Server) -> None:
    server.answer = (200, _bomb(b'{"value": ["', b"x" * 1024, 3, b'"]}'))
    call = Call("GET", "/x", CallKind.STATUS, "services", "list", body_limit=2 * MB)
    with _client(server, limits={"max_reply_mb": 8}) as cmk:
        with pytest.raises(ReplyTooLargeError) as caught:
            cmk._transport.perform(call)
    assert str(caught.value) == "the answer to GET /x is larger than 2 MB, the limit of this call"
    assert caught.value.limit_bytes == 2 * MB


def test_refusals_are_read_up_to_a_limit(server: _Server) -> None:
    server.answer = (404, _bomb(b'{"status": 404, "title": "Not Found", "detail": "', b"x" * 1024, 3, b'"}'))
    with _client(server) as cmk, pytest.raises(UnexpectedReplyError):
        cmk.hosts.get("h")
    server.answer = (404, _bomb(b'{"status": 404, "title": "Not Found", "detail": "', b"", 0, b'no"}'))
    with _client(server) as cmk, pytest.raises(NotFoundError):
        cmk.hosts.get("h")


def test_the_deadline_ends_decompression(server: _Server) -> None:
    """This test uses real time; decompressing all 4 GB would take much longer."""
    server.answer = (200, _bomb(b"", b" " * 1024, 1) * 4000)
    options = {"limits": {"max_reply_mb": 100_000}, "timeouts": {"total_s": 0.3, "settle_s": 0}}
    with _client(server, **options) as cmk:
        started = time.monotonic()
        with pytest.raises(DeadlineError):
            cmk.version()
        assert time.monotonic() - started < 3
