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

__all__ = ["POOL_CLASSES", "Exchange", "Watchdog"]

_local = threading.local()


class Exchange:
    """One attempt: its socket, whether a byte of the request left, whether its time ran out."""

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
                    self._socket.shutdown(socket.SHUT_RDWR)

    @contextlib.contextmanager
    def current(self) -> Iterator[None]:
        """Connections that this thread uses meanwhile report to this exchange."""
        _local.exchange = self
        try:
            yield
        finally:
            _local.exchange = None


class _Watched:
    """Mixed into urllib3's connections: reports the socket and the first byte that leaves."""

    sock: Any
    _connecting = False

    def _new_conn(self) -> Any:
        sock = super()._new_conn()  # type: ignore[misc]
        _report(sock)
        return sock

    def connect(self) -> None:
        _report(None)
        self._connecting = True  # a CONNECT to a proxy is no byte of the request
        try:
            super().connect()  # type: ignore[misc]
        finally:
            self._connecting = False

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        if not self._connecting:
            exchange = _report(self.sock)
            if exchange is not None:
                exchange.sent = True
        super().send(data)  # type: ignore[misc]


def _report(sock: Any) -> Optional[Exchange]:
    exchange: Optional[Exchange] = getattr(_local, "exchange", None)
    if exchange is not None:
        exchange.watch(sock)
    return exchange


class _WatchedHTTP(_Watched, HTTPConnection):
    pass


class _WatchedHTTPS(_Watched, HTTPSConnection):
    pass


class _HTTPPool(HTTPConnectionPool):
    ConnectionCls = _WatchedHTTP


class _HTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _WatchedHTTPS


POOL_CLASSES = {"http": _HTTPPool, "https": _HTTPSPool}


class Watchdog:
    """One thread, started when first needed, that expires exchanges whose time is over."""

    def __init__(self) -> None:
        self._due: list[tuple[float, int, Exchange]] = []
        self._watched: set[Exchange] = set()
        self._numbers = itertools.count()
        self._changed = threading.Condition()
        self._thread: Optional[threading.Thread] = None
        self._closed = False

    @contextlib.contextmanager
    def watch(self, exchange: Exchange, limit_s: float) -> Iterator[None]:
        """Expire ``exchange`` if the block takes longer than ``limit_s`` seconds of real time."""
        self._add(exchange, limit_s)
        try:
            yield
        finally:
            with self._changed:
                self._watched.discard(exchange)

    def close(self) -> None:
        """End the thread."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    def _add(self, exchange: Exchange, limit_s: float) -> None:
        if limit_s == float("inf"):
            return
        with self._changed:
            self._watched.add(exchange)
            heapq.heappush(self._due, (time.monotonic() + limit_s, next(self._numbers), exchange))
            if self._thread is None or not self._thread.is_alive():  # a fork leaves no thread
                self._thread = threading.Thread(target=self._run, name="checkmk-sync-deadlines", daemon=True)
                self._thread.start()
            elif self._due[0][2] is exchange:
                self._changed.notify()

    def _run(self) -> None:
        with self._changed:
            while not self._closed:
                # Finished ones stay in the heap until they come to its top: removing them costs more.
                while self._due and self._due[0][2] not in self._watched:
                    heapq.heappop(self._due)
                left = self._due[0][0] - time.monotonic() if self._due else None
                if left is not None and left <= 0:
                    self._watched.discard(self._due[0][2])
                    heapq.heappop(self._due)[2].expire()
                else:
                    self._changed.wait(left)
