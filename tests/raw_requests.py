"""Send requests without the client: with plain ``requests``, or as exact bytes through a socket."""

from __future__ import annotations

import json
import socket
from typing import Any, NamedTuple

import requests

from checkmk_sync.testing import SimulatedSite

__all__ = ["Answer", "Raw", "send_bytes"]


class Raw:
    """Sends requests with the site's credentials. A header with the value None is omitted."""

    def __init__(self, site: SimulatedSite) -> None:
        self.site = site
        self.session = requests.Session()
        self.session.trust_env = False
        self.auth = {"Authorization": f"Bearer {site.username} {site.password}"}

    def __call__(self, method: str, path: str, headers: Any = None, base: str = "", **options: Any) -> Any:
        headers = {"Accept": "application/json", **self.auth, **(headers or {})}
        headers = {name: value for name, value in headers.items() if value is not None}
        request = requests.Request(method, (base or self.site.api_url) + path, headers=headers, **options).prepare()
        if headers.get("Accept") is None:
            request.headers.pop("Accept", None)
        return self.session.send(request, allow_redirects=False)


class Answer(NamedTuple):
    """The status, headers (names in lower case) and body of an answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def send_bytes(site: SimulatedSite, method: str, target: str, *, host: str = "", body: bytes = b"") -> Answer:
    """Send one request with exactly this target, without normalizing it."""
    port = int(site.url.rpartition(":")[2])
    head = [
        f"{method} {target} HTTP/1.1",
        f"Host: {host or f'127.0.0.1:{port}'}",
        f"Authorization: Bearer {site.username} {site.password}",
        "Accept: application/json",
        "Connection: close",
    ]
    if body:
        head += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall("\r\n".join([*head, "", ""]).encode("latin-1") + body)
        received = b"".join(iter(lambda: connection.recv(65536), b""))
    top, _, rest = received.partition(b"\r\n\r\n")
    first, *lines = top.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    return Answer(int(first.split()[1]), headers, rest)
