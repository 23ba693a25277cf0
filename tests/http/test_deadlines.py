"""Every call ends at its deadline, whatever the server does. These tests use real sockets and real time."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import contextmanager
from typing import Any, Callable, Iterator, Optional

import pytest

from checkmk_sync import Checkmk
from checkmk_sync.core.call import Call, CallKind
from checkmk_sync.errors import BrokenReplyError, ConnectError, DeadlineError, ReadTimeoutError, TransportError
from checkmk_sync.http.socket_deadlines import SOCKET_DEADLINES, SocketDeadlines, TrackedSocket
from checkmk_sync.testing import Fault, SimulatedSite

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n"


@contextmanager
def _server(behave: Callable[[socket.socket], None]) -> Iterator[str]:
    """Run a server that calls ``behave`` with each connection after reading a request, and yield its URL."""
    listener = socket.create_server(("127.0.0.1", 0))
    opened: list[socket.socket] = []

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            opened.append(connection)
            threading.Thread(target=_run, args=(behave, connection), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.close()
        for connection in opened:
            connection.close()


def _run(behave: Callable[[socket.socket], None], connection: socket.socket) -> None:
    try:
        connection.recv(65_536)
        behave(connection)
    except OSError:
        pass


def _drip(data: bytes, pause: float = 0.05) -> Callable[[socket.socket], None]:
    def behave(connection: socket.socket) -> None:
        for index in range(len(data)):
            connection.sendall(data[index : index + 1])
            time.sleep(pause)

    return behave


def _client(url: str, **timeouts: float) -> Checkmk:
    settings = {"connect_s": 1.0, "read_s": 0.5, "total_s": 0.6, **timeouts}
    return Checkmk(url, "s", "automation", "geheim", timeouts=settings, recovery={"retry": {"max_retries": 0}})


@pytest.mark.parametrize(
    "data",
    [HEAD + b"\r\n" + b"x" * 1000, HEAD + b"X-Pad: " + b"x" * 1000, b"HTTP/1.0 200 OK\r\n\r\n" + b"x" * 1000],
    ids=["body", "headers", "body-without-length"],
)
def test_dripping_answers_end_with_the_deadline(data: bytes) -> None:
    """The read timeout does not apply, because each byte arrives in time."""

    def behave(connection: socket.socket) -> None:
        connection.sendall(data[: data.index(b"x") if b"X-Pad" in data else data.index(b"\r\n\r\n") + 4])
        _drip(b"x" * 500)(connection)

    with _server(behave) as url, _client(url, read_s=2.0) as client:
        started = time.monotonic()
        with pytest.raises(DeadlineError) as caught:
            client.version()
        assert time.monotonic() - started < 3
        assert caught.value.sent is None


def test_silence_ends_with_the_read_timeout() -> None:
    with _server(lambda connection: time.sleep(5)) as url, _client(url, read_s=0.2, bulk_s=0.1, total_s=5) as client:
        with pytest.raises(
            ReadTimeoutError, match=r"did not answer GET /version in time \(timeouts\.read_s\)"
        ) as caught:
            client.version()
        assert caught.value.sent is None
        with pytest.raises(ReadTimeoutError, match=r"\(timeouts\.bulk_s\)"):
            client._transport.perform(Call("POST", "/bulk", CallKind.BULK, "hosts", "bulk_create"))


def test_a_connection_attempt_cut_off_by_the_deadline_is_a_deadline_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(_address: Any, timeout: float, *_: Any, **__: Any) -> None:
        time.sleep(timeout)
        raise socket.timeout("timed out")

    monkeypatch.setattr("urllib3.util.connection.create_connection", hang)
    with _client("http://127.0.0.1:1", total_s=0.2) as client:
        with pytest.raises(DeadlineError, match=r"GET /version exceeded its time limit of 0\.2 s") as caught:
            client.version()
        assert caught.value.sent is False


def _silent(_: socket.socket) -> None:
    time.sleep(5)


def _pause_in_headers(connection: socket.socket) -> None:
    connection.sendall(HEAD)
    time.sleep(5)


def _pause_in_body(connection: socket.socket) -> None:
    connection.sendall(HEAD + b'\r\n{"value": [')
    time.sleep(5)


def _pause_in_body_without_length(connection: socket.socket) -> None:
    connection.sendall(b'HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n{"value": [')
    time.sleep(5)


@pytest.mark.parametrize("behave", [_silent, _pause_in_headers, _pause_in_body, _pause_in_body_without_length])
@pytest.mark.parametrize(
    ("total_s", "own_s", "limit"),
    [
        (0.2, None, "0.2 s (timeouts.total_s)"),
        (0.2, 5.0, "0.2 s (timeouts.total_s)"),
        (5.0, 0.2, "0.2 s"),
    ],
    ids=["setting", "setting below own", "own"],
)
def test_the_error_names_the_limit_that_ended_the_call(
    behave: Any, total_s: float, own_s: Optional[float], limit: str
) -> None:
    call = Call("GET", "/x", CallKind.STATUS, "hosts", "list", deadline_s=own_s)
    with _server(behave) as url, _client(url, total_s=total_s, read_s=5.0) as client:
        with pytest.raises(DeadlineError) as caught:
            client._transport.perform(call)
        assert str(caught.value) == f"GET /x exceeded its time limit of {limit}"


def test_the_remaining_time_does_not_shorten_the_read_timeout() -> None:
    """Otherwise a late call would sometimes end with a ReadTimeoutError, which names the wrong setting."""
    status, bulk = (Call("GET", "/x", kind, "hosts", "list") for kind in (CallKind.STATUS, CallKind.BULK))
    with _client("http://127.0.0.1:9", connect_s=1.0, read_s=5.0, bulk_s=7.0) as client:
        timeout = client._transport._adapter._timeout
        assert (timeout(status, 0.2), timeout(bulk, 0.2)) == ((0.2, 5.0), (0.2, 7.0))
        assert timeout(status, 60.0) == (1.0, 5.0)


@pytest.mark.parametrize(
    ("behave", "total_s", "own_s", "limit"),
    [
        (_pause_in_headers, 0.2, None, "0.2 s (timeouts.total_s)"),
        (_pause_in_headers, 5.0, 0.2, "0.2 s"),
        (_pause_in_body, 5.0, 0.2, "0.2 s"),
        (_pause_in_body, 0.2, 5.0, "0.2 s (timeouts.total_s)"),
        (_pause_in_body_without_length, 5.0, 0.2, "0.2 s"),
    ],
)
def test_the_error_names_the_limit_that_ended_the_stream(
    behave: Any, total_s: float, own_s: Optional[float], limit: str
) -> None:
    call = Call("GET", "/x", CallKind.STATUS, "hosts", "list", stream=True, deadline_s=own_s)
    with _server(behave) as url, _client(url, total_s=total_s, read_s=5.0) as client:
        with pytest.raises(DeadlineError) as caught:
            list(client._transport.chunks(client._transport.perform(call)))
        assert str(caught.value) == f"GET /x exceeded its time limit of {limit}"


def test_all_attempts_share_one_deadline() -> None:
    with _server(lambda connection: time.sleep(5)) as url:
        settings = {"connect_s": 1.0, "read_s": 0.2, "total_s": 0.7}
        retry = {"retry": {"max_retries": 50, "base_delay": 0.01}}
        with Checkmk(url, "s", "a", "geheim", timeouts=settings, recovery=retry) as client:
            started = time.monotonic()
            with pytest.raises(TransportError):
                client.version()
            assert time.monotonic() - started < 3


def test_a_refused_connection_means_that_nothing_was_sent() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    listener.close()
    with _client(f"http://127.0.0.1:{port}") as client:
        with pytest.raises(ConnectError, match="refused") as caught:
            client.hosts.create("web01")
        assert caught.value.sent is False


def test_a_request_on_a_closed_connection_may_have_been_sent() -> None:
    with _server(lambda connection: connection.close()) as url, _client(url, settle_s=0) as client:
        with pytest.raises(BrokenReplyError) as caught:
            client.folders.delete("/x", recursive=True)
        assert caught.value.sent is None


def test_dripping_streams_end_without_a_total_timeout() -> None:
    """A stream may take long, because its consumer may be slow, but each chunk must arrive in time."""

    def behave(connection: socket.socket) -> None:
        connection.sendall(HEAD.replace(b"1000", b"900000") + b'X-Checkmk-Version: 2.4.0\r\n\r\n{"value": [')
        _drip(b" " * 500)(connection)

    with _server(behave) as url, _client(url, read_s=1.0, total_s=30) as client:
        client._transport.version_text = "2.4.0p18"
        with pytest.raises(
            DeadlineError, match=r"exceeded its time limit for a chunk of a stream \(timeouts\.read_s\)$"
        ):
            list(client.hosts.each())


def test_slow_but_steady_streams_are_read_to_the_end() -> None:
    """The stream takes longer than any limit, but each chunk arrives in time."""
    item = b'{"id": "h", "extensions": {"folder": "/", "attributes": {"alias": "' + b"x" * 5000 + b'"}}}'
    body = b'{"value": [' + b",".join([item] * 30) + b"]}"

    def behave(connection: socket.socket) -> None:
        connection.sendall(HEAD.replace(b"1000", str(len(body)).encode()) + b"\r\n")
        for start in range(0, len(body), 2500):
            connection.sendall(body[start : start + 2500])
            time.sleep(0.03)

    with _server(behave) as url, _client(url, read_s=1.5, total_s=0.5) as client:
        client._transport.version_text = "2.4.0p18"
        assert len(list(client.hosts.each())) == 30


def test_slow_consumers_do_not_cause_timeouts() -> None:
    with SimulatedSite(hosts=3000, services=2) as site:
        with site.client(timeouts={"read_s": 1.0, "total_s": 1.0}) as client:
            pages = client.hosts.pages(batch_size=1500)
            first = next(pages)
            time.sleep(1.2)
            assert len(first.items) + sum(len(page.items) for page in pages) == 3000


def test_late_deadlines_do_not_shut_the_socket_of_the_next_call() -> None:
    """A deadline that expires after its answer was read must not shut the socket, which another call may use."""
    with SimulatedSite() as site, site.client(recovery={"retry": {"max_retries": 0}}) as client:
        client.version()
        pool = client._transport._adapter._pool
        with SOCKET_DEADLINES.limit(first := TrackedSocket(), 60):
            pool.urlopen("GET", "/")  # the next call uses the same connection
        site.on_request(lambda _method, _path: first.expire())
        assert client.version().site == "s"
        assert first.expired
        assert pool.num_connections == 1


def test_limits_that_are_over_take_no_memory() -> None:
    deadlines = SocketDeadlines()
    for _ in range(5000):
        with deadlines.limit(TrackedSocket(), 300):
            pass
    assert len(deadlines._due) < 50


def test_streams_take_a_read_slot_only_while_reading() -> None:
    """Otherwise a consumer that sends a request for each item would wait for its own stream."""
    with SimulatedSite(hosts=3000) as site, site.client(limits={"reads_in_flight": 1}) as client:
        hosts = client.hosts.each()
        assert [client.hosts.get(next(hosts).name, fresh=True).name for _ in range(3)] == [
            "host00000",
            "host00001",
            "host00002",
        ]


def test_deadlines_of_ended_calls_leave_the_connection_alone() -> None:
    """A deadline must not shut a socket that the next call already uses."""
    with SimulatedSite(faults=[Fault("slow", seconds=0.5, path="/version$", times=3)]) as site:
        with site.client(timeouts={"total_s": 1.2}) as client:
            for _ in range(3):
                assert client.version().site == "s"
            time.sleep(0.4)
            assert client.version().site == "s"
