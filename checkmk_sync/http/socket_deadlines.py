"""Deadlines that hold even if an answer trickles in: another thread shuts the socket.

A read timeout only limits the silence between two bytes, so an answer of one byte per second never exceeds it.
Therefore each attempt registers its socket here. At the deadline the socket is shut, and the blocked read returns.
"""

from __future__ import annotations

import contextlib
import heapq
import itertools
import socket
import threading
import time
from typing import Any, Iterator, Optional

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from ..core.fork import ForkSafe

_local = threading.local()

IDLE_S = 5.0  # the thread ends after this time without deadlines


class TrackedSocket:
    """The socket of one attempt. ``sent`` is True once a byte of the request was sent, ``expired`` after the deadline.

    A socket belongs to the attempt that tracked it last. A connection is reused as soon as the body is read, and the
    deadline of one call must not shut the socket of the next call.

    ``limit`` describes the current time limit, for messages.
    """

    def __init__(self, limit: str = "") -> None:
        self.limit = limit
        self.sent = False
        self.expired = False
        self.connection_seen = False  # stays False if requests are mocked; then `sent` has no meaning
        self._socket: Any = None
        self._lock = threading.Lock()

    def track(self, sock: Any) -> None:
        """Set the socket in use, or None before one exists. Shuts it at once if the deadline has passed."""
        with self._lock:
            self.connection_seen = True
            self._socket = sock
            expired = self.expired
        if expired:
            self.expire()

    def release(self) -> None:
        """Stop tracking the socket, because another attempt may use it from now on."""
        with self._lock:
            self._socket = None

    def expire(self) -> None:
        """Shut the socket, so that a thread blocked in reading from it returns."""
        with self._lock:
            self.expired = True
            if self._socket is not None:
                with contextlib.suppress(OSError):  # already closed
                    _shut(self._socket)


class _TrackedConnection:
    """A mixin for urllib3's connections that reports their socket and the first byte that is sent."""

    sock: Any
    _connecting = False
    _tracked: Optional[TrackedSocket] = None

    def _new_conn(self) -> Any:
        sock = super()._new_conn()  # type: ignore[misc]
        self._report(sock)
        return sock

    def connect(self) -> None:
        self._report(None)
        self._connecting = True  # a CONNECT to a proxy is not part of the request
        try:
            super().connect()  # type: ignore[misc]
        finally:
            self._connecting = False

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        tracked = self._report(self.sock)
        if tracked is not None and not self._connecting:
            tracked.sent = True
        super().send(data)  # type: ignore[misc]

    def _report(self, sock: Any) -> Optional[TrackedSocket]:
        tracked: Optional[TrackedSocket] = getattr(_local, "tracked", None)
        if tracked is not None:
            before, self._tracked = self._tracked, tracked
            if before is not None and before is not tracked:
                before.release()
                if before.expired and sock is not None:
                    raise ConnectionAbortedError("the connection was shut when the previous call ended")
            tracked.track(sock)
        return tracked


def _shut(sock: Any) -> None:
    # Shuts the TCP socket itself. SSLSocket.shutdown first drops the encryption, so a thread that is writing would send
    # plain text.
    socket.socket.shutdown(getattr(sock, "socket", sock), socket.SHUT_RDWR)


class _TrackedHTTP(_TrackedConnection, HTTPConnection):
    pass


class _TrackedHTTPS(_TrackedConnection, HTTPSConnection):
    pass


class _HTTPPool(HTTPConnectionPool):
    ConnectionCls = _TrackedHTTP


class _HTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _TrackedHTTPS


POOL_CLASSES = {"http": _HTTPPool, "https": _HTTPSPool}


class _Limit:
    """The time limit of one block; ``over`` is True once the block has ended."""

    __slots__ = ("over", "tracked")

    def __init__(self, tracked: TrackedSocket) -> None:
        self.tracked = tracked
        self.over = False


class SocketDeadlines(ForkSafe):
    """A thread that shuts sockets at their deadlines. It runs only while deadlines are pending."""

    LOCKS = (("_changed", threading.Condition),)
    _changed: threading.Condition

    def __init__(self) -> None:
        self._numbers = itertools.count()
        super().__init__()

    def reset_after_fork(self) -> None:
        """Start without limits and without a thread."""
        super().reset_after_fork()
        self._due: list[tuple[float, int, _Limit]] = []
        self._live: set[_Limit] = set()  # a set, so that adding or removing a limit twice is harmless
        self._thread: Optional[threading.Thread] = None

    @contextlib.contextmanager
    def limit(self, tracked: TrackedSocket, limit_s: float) -> Iterator[None]:
        """Track the connection that this thread uses in the block. After ``limit_s`` seconds, shut it."""
        limit = _Limit(tracked)
        try:  # starts before the limit is added, because Ctrl-C may arrive at any moment
            _local.tracked = tracked
            if limit_s != float("inf"):
                self._add(limit, limit_s)
            yield
        finally:
            self._live.discard(limit)  # must be first, because no signal is handled between the block and this line
            limit.over = True
            _local.tracked = None

    def _add(self, limit: _Limit, limit_s: float) -> None:
        with self._changed:
            self._live.add(limit)
            # Limits that are over stay in the heap until they outnumber the live ones, because removing each one at
            # once costs more.
            if len(self._due) > 2 * len(self._live) + 16:
                self._due = [entry for entry in self._due if not entry[2].over]
                heapq.heapify(self._due)
            heapq.heappush(self._due, (time.monotonic() + limit_s, next(self._numbers), limit))
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="checkmk-sync-deadlines", daemon=True)
                self._thread.start()
            elif self._due[0][2] is limit:
                self._changed.notify()

    def _run(self) -> None:
        """Shut each socket at its deadline. Return after IDLE_S seconds without a limit."""
        with self._changed:
            while True:
                while self._due and self._due[0][2].over:
                    heapq.heappop(self._due)
                left = self._due[0][0] - time.monotonic() if self._due else IDLE_S
                if left <= 0:
                    heapq.heappop(self._due)[2].tracked.expire()
                elif self._live:
                    self._changed.wait(min(left, IDLE_S))
                elif not (self._changed.wait(IDLE_S) or self._live):  # a limit may be added just as the wait ends
                    break
            self._thread = None


# All clients of a process share one instance, so that 500 clients do not start 500 threads.
SOCKET_DEADLINES = SocketDeadlines()
