"""Proxies and TLS verification: from the settings, then from the environment."""

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
    """``verify`` and ``proxies`` for every request: the settings first, then the environment's variables.

    requests lets ``REQUESTS_CA_BUNDLE`` win over ``verify=False``; here what is set is what counts.
    SettingsError for a CA bundle that is not there and for a proxy that cannot be used.
    """
    verify, proxies = _from_settings_or_environment(settings)
    if isinstance(verify, str) and not Path(verify).exists():
        raise SettingsError(f"the CA bundle {verify} does not exist", field="ca_bundle")
    _check_proxy(select_proxy(settings.base_url, proxies))
    return {"verify": verify, "proxies": proxies}


def _from_settings_or_environment(settings: Settings) -> tuple[Any, Mapping[str, str]]:
    with requests.Session() as session:
        environment = session.merge_environment_settings(settings.base_url, {}, None, None, None)
    verify = environment["verify"] if settings.verify else False
    if settings.verify and settings.ca_bundle:
        verify = settings.ca_bundle
    proxies = {"http": settings.proxy, "https": settings.proxy} if settings.proxy else environment["proxies"]
    return verify, {scheme: HiddenURL(url) for scheme, url in proxies.items()}


def _check_proxy(url: Optional[str]) -> None:
    """Here, for later it would look as if the way to the site had broken."""
    scheme = "http" if url is None else _scheme(url)
    if scheme is None:
        place = "(a setting, or http_proxy and the like in the environment)"
        raise SettingsError(f"the proxy {place} is no URL such as http://proxy:3128", field="proxy")
    if scheme.startswith("socks") and importlib.util.find_spec("socks") is None:
        raise SettingsError("a SOCKS proxy needs the package PySocks: pip install 'requests[socks]'", field="proxy")


def _scheme(url: str) -> Optional[str]:
    if any(char.isspace() for char in url):  # not every urllib3 refuses a host with a blank
        return None
    try:
        whole = prepend_scheme_if_needed(url, "http")  # type: ignore[no-untyped-call,unused-ignore]
        return urllib3.util.parse_url(whole).scheme
    except urllib3.exceptions.LocationParseError:
        return None
