"""Proxies and TLS verification, from the settings or else from the environment."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any, Mapping, Optional

import requests
import urllib3
from requests.utils import prepend_scheme_if_needed, select_proxy

from ..config.settings import Settings
from ..core.redaction import HiddenURL
from ..errors import SettingsError

__all__ = ["proxy_and_tls_options"]


def proxy_and_tls_options(settings: Settings) -> Mapping[str, Any]:
    """Return the options ``verify`` and ``proxies`` for every request.

    The settings take precedence over environment variables. Raises SettingsError if the CA bundle does not exist or the
    proxy cannot be used.
    """
    verify, proxies = _from_settings_or_environment(settings)
    if isinstance(verify, str) and not Path(verify).exists():
        raise SettingsError(f"the CA bundle {verify} does not exist", field="ca_bundle")
    _check_proxy(select_proxy(settings.base_url, proxies))
    return {"verify": verify, "proxies": proxies}


def _from_settings_or_environment(settings: Settings) -> tuple[Any, Mapping[str, str]]:
    with requests.Session() as session:
        environment = session.merge_environment_settings(settings.base_url, {}, None, None, None)
    # In requests, REQUESTS_CA_BUNDLE would override verify=False.
    verify = environment["verify"] if settings.verify else False
    if settings.verify and settings.ca_bundle:
        verify = settings.ca_bundle
    proxies = {"http": settings.proxy, "https": settings.proxy} if settings.proxy else environment["proxies"]
    return verify, {scheme: HiddenURL(url) for scheme, url in proxies.items()}


def _check_proxy(url: Optional[str]) -> None:
    # Checked before the first request, because a wrong proxy would later look like a broken connection to the site.
    scheme = "http" if url is None else _scheme(url)
    if scheme is None:
        place = "the setting proxy and environment variables such as http_proxy"
        raise SettingsError(f"the proxy is not a URL such as http://proxy:3128; check {place}", field="proxy")
    if scheme.startswith("socks") and importlib.util.find_spec("socks") is None:
        raise SettingsError("a SOCKS proxy needs the package PySocks; run pip install 'requests[socks]'", field="proxy")


def _scheme(url: str) -> Optional[str]:
    if any(char.isspace() for char in url):  # some versions of urllib3 accept a host with a space
        return None
    try:
        whole = prepend_scheme_if_needed(url, "http")  # type: ignore[no-untyped-call,unused-ignore]
        return urllib3.util.parse_url(whole).scheme
    except urllib3.exceptions.LocationParseError:
        return None
