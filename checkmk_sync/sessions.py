"""Sessions of requests as an API client needs them: no redirects, no cookies, no surprises from outside."""

from __future__ import annotations

import re
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Any, Iterator, Mapping

import requests
from requests.adapters import BaseAdapter

from .errors import SettingsError
from .settings import Settings

__all__ = ["NoRedirects", "PlainSession", "environment", "furnish"]


class NoRedirects:
    """Follow no redirect: who gets one reads its ``Location`` and decides.

    Checkmk's wait endpoints redirect to themselves at once (31 requests, then TooManyRedirects), and
    behind a TLS proxy ``Location`` may say ``http://``.
    """

    def resolve_redirects(self, *_: Any, **__: Any) -> Iterator[Any]:
        return iter(())


class PlainSession(NoRedirects, requests.Session):
    """A session without a cache."""


def furnish(session: requests.Session, adapter: BaseAdapter) -> None:
    """Give a session our adapter, and take away what comes from outside."""
    session.trust_env = False  # resolved once, by `environment`: asking it costs a third of each request
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.adapters.clear()
    session.mount("http://", adapter)
    session.mount("https://", adapter)


def environment(settings: Settings) -> Mapping[str, Any]:
    """``verify`` and ``proxies`` for every request: the settings first, then the environment's variables.

    requests lets ``REQUESTS_CA_BUNDLE`` win over ``verify=False``; here what is set is what counts.
    SettingsError for a CA bundle that is not there.
    """
    with requests.Session() as asked:
        found = asked.merge_environment_settings(settings.base_url, {}, None, None, None)
    verify = found["verify"] if settings.verify else False
    if settings.verify and settings.ca_bundle:
        verify = settings.ca_bundle
    if isinstance(verify, str) and not Path(verify).exists():
        raise SettingsError(f"the CA bundle {verify} does not exist", field="ca_bundle")
    proxies = {"http": settings.proxy, "https": settings.proxy} if settings.proxy else dict(found["proxies"])
    return {"verify": verify, "proxies": {scheme: _ProxyURL(url) for scheme, url in proxies.items()}}


class _ProxyURL(str):
    """Does not show its password where frames show what they hold."""

    def __repr__(self) -> str:
        return repr(re.sub(r"//[^@/]*@", "//***@", self))
