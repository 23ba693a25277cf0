"""Deadlines that hold even when an answer drips: another thread shuts the socket.

A read timeout limits the silence between two bytes, so an answer of one byte a second never exceeds it. Each attempt
therefore registers its socket here. When the time is over, the socket is shut, and the blocked read returns at once.
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

__all__ = ["POOL_CLASSES", "SOCKET_DEADLINES", "SocketDeadlines", "TrackedSocket"]

_local = threading.local()

IDLE_S = 5.0


class TrackedSocket:
    """The socket of one attempt: whether a byte of the request left, and whether its time is over.

    A socket belongs to the attempt that tracked it last. Connections are reused as soon as a body is read, and the
    deadline of one call must not shut the socket of the next.
    """

    def __init__(self) -> None:
        self.sent = False
        self.expired = False
        self.connection_seen = False  # False under a mock: then nothing is known about `sent`
        self._socket: Any = None
        self._lock = threading.Lock()

    def track(self, sock: Any) -> None:
        """Note the socket in use, None before there is one. It is shut at once if the time is over already."""
        with self._lock:
            self.connection_seen = True
            self._socket = sock
            expired = self.expired
        if expired:
            self.expire()

    def release(self) -> None:
        """Let go of the socket: it may serve another attempt from now on."""
        with self._lock:
            self._socket = None

    def expire(self) -> None:
        """Shut the socket, so that the thread which reads from it returns."""
        with self._lock:
            self.expired = True
            if self._socket is not None:
                with contextlib.suppress(OSError):  # closed in the meantime
                    _shut(self._socket)


class _TrackedConnection:
    """Mixed into urllib3's connections: reports the socket and the first byte that leaves."""

    sock: Any
    _connecting = False
    _tracked: Optional[TrackedSocket] = None

    def _new_conn(self) -> Any:
        sock = super()._new_conn()  # type: ignore[misc]
        self._report(sock)
        return sock

    def connect(self) -> None:
        self._report(None)
        self._connecting = True  # a CONNECT to a proxy is no byte of the request
        try:
            super().connect()  # type: ignore[misc]
        finally:
            self._connecting = False

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        if not self._connecting:
            tracked = self._report(self.sock)
            if tracked is not None:
                tracked.sent = True
        super().send(data)  # type: ignore[misc]

    def _report(self, sock: Any) -> Optional[TrackedSocket]:
        tracked: Optional[TrackedSocket] = getattr(_local, "tracked", None)
        if tracked is not None:
            before, self._tracked = self._tracked, tracked
            if before is not None and before is not tracked:
                before.release()
                if before.expired and sock is not None:
                    raise ConnectionAbortedError("the connection was shut when the call before ended")
            tracked.track(sock)
        return tracked


def _shut(sock: Any) -> None:
    """Shut the TCP connection below; SSLSocket's own way would first drop the encryption under another
    thread that is writing."""
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
    """A block that must not take too long."""

    __slots__ = ("over", "tracked")

    def __init__(self, tracked: TrackedSocket) -> None:
        self.tracked = tracked
        self.over = False


class SocketDeadlines(ForkSafe):
    """One thread, running while it is needed, that shuts the sockets of attempts whose time is over."""

    LOCKS = (("_changed", threading.Condition),)
    _changed: threading.Condition

    def __init__(self) -> None:
        self._numbers = itertools.count()
        super().__init__()

    def reset_after_fork(self) -> None:
        """Start without limits and without a thread."""
        super().reset_after_fork()
        self._due: list[tuple[float, int, _Limit]] = []
        self._live: set[_Limit] = set()  # adding or removing one twice, or one that is not there, does no harm
        self._thread: Optional[threading.Thread] = None

    @contextlib.contextmanager
    def limit(self, tracked: TrackedSocket, limit_s: float) -> Iterator[None]:
        """Track the connection that this thread uses in the block, and shut it after ``limit_s`` seconds."""
        limit = _Limit(tracked)
        try:  # starts before the limit is added, because Ctrl-C may come at any moment
            _local.tracked = tracked
            if limit_s != float("inf"):
                self._add(limit, limit_s)
            yield
        finally:
            self._live.discard(limit)  # first: no signal is handled between the block and this line
            limit.over = True
            _local.tracked = None

    def _add(self, limit: _Limit, limit_s: float) -> None:
        with self._changed:
            self._live.add(limit)
            # Expired limits stay in the heap, because removing each costs more, but not many more than live ones.
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
        """Run until there was nothing to watch for some seconds."""
        with self._changed:
            while True:
                while self._due and self._due[0][2].over:
                    heapq.heappop(self._due)
                left = self._due[0][0] - time.monotonic() if self._due else IDLE_S
                if left <= 0:
                    heapq.heappop(self._due)[2].tracked.expire()
                elif self._live:
                    self._changed.wait(min(left, IDLE_S))
                elif not (self._changed.wait(IDLE_S) or self._live):  # added while the wait ended
                    break
            self._thread = None


# All clients of a process share it: 500 of them must not mean 500 threads.
SOCKET_DEADLINES = SocketDeadlines()
