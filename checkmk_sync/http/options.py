"""Proxies and TLS verification, from the settings or else from the environment."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any, Mapping

import requests
from requests.utils import prepend_scheme_if_needed, select_proxy
from urllib3.exceptions import LocationParseError

from ..config.settings import Settings
from ..config.urls import check_proxy
from ..core.redaction import HiddenURL
from ..errors import SettingsError


def proxy_and_tls_options(settings: Settings) -> Mapping[str, Any]:
    """Return the options ``verify`` and ``proxies`` for every request.

    The settings take precedence over environment variables. Raises SettingsError if the CA bundle does not exist or the
    proxy cannot be used.
    """
    verify, proxies = _from_settings_or_environment(settings)
    if isinstance(verify, str) and not Path(verify).exists():
        raise SettingsError(f"the CA bundle {verify} does not exist", field="ca_bundle")
    proxy = select_proxy(settings.base_url, proxies)
    if proxy is not None:
        _check_used_proxy(proxy)
    return {"verify": verify, "proxies": proxies}


def _from_settings_or_environment(settings: Settings) -> tuple[Any, Mapping[str, str]]:
    with requests.Session() as session:
        environment = session.merge_environment_settings(settings.base_url, {}, None, None, None)
    # In requests, REQUESTS_CA_BUNDLE would override verify=False.
    verify = (settings.ca_bundle or environment["verify"]) if settings.verify else False
    proxies = {"http": settings.proxy, "https": settings.proxy} if settings.proxy else environment["proxies"]
    return verify, {scheme: HiddenURL(url) for scheme, url in proxies.items()}


def _check_used_proxy(url: str) -> None:
    # Checked before the first request, because a wrong proxy would later look like a broken connection to the site.
    try:
        # The complete URL is in no local variable, because tracebacks can show them, and it may contain a password.
        scheme = check_proxy(prepend_scheme_if_needed(url, "http"))  # type: ignore[no-untyped-call,unused-ignore]
    except (SettingsError, LocationParseError):
        place = "the setting proxy and environment variables such as http_proxy"
        raise SettingsError(f"the proxy is not a URL such as http://proxy:3128; check {place}", field="proxy") from None
    if scheme.startswith("socks") and importlib.util.find_spec("socks") is None:
        raise SettingsError("a SOCKS proxy needs the package PySocks; run pip install 'requests[socks]'", field="proxy")
