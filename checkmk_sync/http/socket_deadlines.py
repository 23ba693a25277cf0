"""Deadlines that hold even when an answer drips: the socket is shut from another thread.

A read timeout limits the silence between two bytes, so an answer of one byte a second never meets
it. Whoever has a request under way registers it here; when its time is over its socket is shut, and
the blocked read returns at once.
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

from ..core.fork import renewed_in_children

__all__ = ["POOL_CLASSES", "WATCHDOG", "Exchange", "Watchdog"]

_local = threading.local()

IDLE_S = 5.0


class Exchange:
    """One attempt: its socket, whether a byte of the request left, whether its time ran out.

    A socket belongs to the exchange that reported it last: connections are used again as soon as a body
    was read, and the end of one call's time must not shut the socket of the next.
    """

    def __init__(self) -> None:
        self.sent = False
        self.expired = False
        self.connection_seen = False  # False under a mock: then nothing is known about `sent`
        self._socket: Any = None
        self._lock = threading.Lock()

    def watch(self, sock: Any) -> None:
        """Note the socket in use, None before there is one; it is shut at once where time is over already."""
        with self._lock:
            self.connection_seen = True
            self._socket = sock
            expired = self.expired
        if expired:
            self.expire()

    def release(self) -> None:
        """The socket belongs to this attempt no more: it may serve another one now."""
        with self._lock:
            self._socket = None

    def expire(self) -> None:
        """Time is over: shut the socket, so that whoever reads from it returns."""
        with self._lock:
            self.expired = True
            if self._socket is not None:
                with contextlib.suppress(OSError):  # closed in the meantime
                    _shut(self._socket)

    @contextlib.contextmanager
    def current(self) -> Iterator[None]:
        """Connections that this thread uses meanwhile report to this exchange."""
        try:
            _local.exchange = self
            yield
        finally:
            _local.exchange = None


class _Watched:
    """Mixed into urllib3's connections: reports the socket and the first byte that leaves."""

    sock: Any
    _connecting = False
    _exchange: Optional[Exchange] = None

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
            exchange = self._report(self.sock)
            if exchange is not None:
                exchange.sent = True
        super().send(data)  # type: ignore[misc]

    def _report(self, sock: Any) -> Optional[Exchange]:
        exchange: Optional[Exchange] = getattr(_local, "exchange", None)
        if exchange is not None:
            before, self._exchange = self._exchange, exchange
            if before is not None and before is not exchange:
                before.release()
                if before.expired and sock is not None:
                    raise ConnectionAbortedError("the connection was shut when the call before ended")
            exchange.watch(sock)
        return exchange


def _shut(sock: Any) -> None:
    """Shut the TCP connection below; SSLSocket's own way would first drop the encryption under another
    thread that is writing."""
    socket.socket.shutdown(getattr(sock, "socket", sock), socket.SHUT_RDWR)


class _WatchedHTTP(_Watched, HTTPConnection):
    pass


class _WatchedHTTPS(_Watched, HTTPSConnection):
    pass


class _HTTPPool(HTTPConnectionPool):
    ConnectionCls = _WatchedHTTP


class _HTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _WatchedHTTPS


POOL_CLASSES = {"http": _HTTPPool, "https": _HTTPSPool}


class _Watch:
    """One block that must not take too long."""

    __slots__ = ("exchange", "over")

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.over = False


class Watchdog:
    """One thread, there while it is needed, that expires exchanges whose time is over."""

    def __init__(self) -> None:
        self._numbers = itertools.count()
        self.renew()
        renewed_in_children(self)

    def renew(self) -> None:
        """Nothing is watched, and there is no thread."""
        self._due: list[tuple[float, int, _Watch]] = []
        self._live: set[_Watch] = set()  # whoever is added twice or leaves twice, or never was there, does no harm
        self._changed = threading.Condition()
        self._thread: Optional[threading.Thread] = None

    @contextlib.contextmanager
    def watch(self, exchange: Exchange, limit_s: float) -> Iterator[None]:
        """Expire ``exchange`` if the block takes longer than ``limit_s`` seconds of real time."""
        if limit_s == float("inf"):
            yield
            return
        watch = _Watch(exchange)
        try:  # from before it is added, for Ctrl-C may come at any moment
            self._add(watch, limit_s)
            yield
        finally:
            self._live.discard(watch)
            watch.over = True

    def _add(self, watch: _Watch, limit_s: float) -> None:
        with self._changed:
            self._live.add(watch)
            self._forget_the_dead()
            heapq.heappush(self._due, (time.monotonic() + limit_s, next(self._numbers), watch))
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="checkmk-sync-deadlines", daemon=True)
                self._thread.start()
            elif self._due[0][2] is watch:
                self._changed.notify()

    def _forget_the_dead(self) -> None:
        """Finished ones stay in the heap, for removing each costs more; but not more of them than live ones."""
        if len(self._due) > 2 * len(self._live) + 16:
            self._due = [entry for entry in self._due if not entry[2].over]
            heapq.heapify(self._due)

    def _run(self) -> None:
        """Run until there was nothing to watch for some seconds."""
        with self._changed:
            while True:
                while self._due and self._due[0][2].over:
                    heapq.heappop(self._due)
                left = self._due[0][0] - time.monotonic() if self._due else IDLE_S
                if left <= 0:
                    heapq.heappop(self._due)[2].exchange.expire()
                elif self._live:
                    self._changed.wait(min(left, IDLE_S))
                elif not (self._changed.wait(IDLE_S) or self._live):  # added while the wait ended
                    break
            self._thread = None


# All clients of a process share it: 500 of them must not mean 500 threads.
WATCHDOG = Watchdog()
