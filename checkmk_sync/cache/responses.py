"""The responses in the storages of requests-cache, and their text format for storages outside the process."""

from __future__ import annotations

import datetime
import json
from typing import Mapping, Union

from requests_cache.models.response import CachedResponse
from requests_cache.serializers import Stage

_LATEST = 253_402_300_000.0  # in the year 9999, the last year of a datetime
# Without the ETag: an ETag from a cache must never be sent in If-Match, and Checkmk has no conditional reads.
_KEPT_HEADERS = ("Content-Type", "X-Checkmk-Version", "X-Checkmk-Edition")


def cached_response(body: bytes, headers: Mapping[str, str], until: float) -> CachedResponse:
    """Return an answer with status 200 as a response for requests-cache. ``until`` is a UNIX time.

    The response has no request, because the request contains the secret.
    """
    # Built like an unpickled object. The constructor would also create a cookie jar, a request and a urllib3 response.
    response: CachedResponse = CachedResponse.__new__(CachedResponse)
    response.__dict__.update(
        _content=body,
        status_code=200,
        headers={name: headers[name] for name in _KEPT_HEADERS if name in headers},
        expires=datetime.datetime.fromtimestamp(min(until, _LATEST), datetime.timezone.utc),
    )
    return response


def expires_at(response: CachedResponse) -> float:
    """Return the UNIX time at which a response expires."""
    assert response.expires is not None  # cached_response always sets it
    return float(response.expires.timestamp())


def size_of(response: CachedResponse) -> int:
    """Return the approximate size of a response: the bytes of its body, and 1,000 for everything else."""
    return len(response.content) + 1000


def _to_text(response: CachedResponse) -> str:
    body = response.content.decode("utf-8", "surrogatepass")  # json.loads decodes bytes in the same way
    return json.dumps([dict(response.headers), body, expires_at(response)])


def _from_text(text: Union[str, bytes]) -> CachedResponse:
    headers, body, until = json.loads(text)
    texts = {str(name): str(value) for name, value in headers.items()}
    try:
        return cached_response(body.encode("utf-8", "surrogatepass"), texts, float(until))
    except OverflowError as error:  # the time is out of range; requests-cache expects a ValueError
        raise ValueError(str(error)) from None


# JSON, because reading it executes nothing, unlike pickle. requests-cache's own JSON serializer takes twice the time.
TEXT = Stage(dumps=_to_text, loads=_from_text)
