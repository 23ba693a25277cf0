"""The commands that serve: the MCP server and the simulated site."""

from __future__ import annotations

import click

from .declare import file_option, flag, option, own_command
from .parameters import Number


def _address(port: int) -> tuple[click.Option, click.Option]:
    return (
        option("--host", "Listen on this address.", default="127.0.0.1"),
        option("--port", "Listen on this port; 0 picks a free one.", default=port, type=Number(0, 65535, name="port")),
    )


@own_command(
    "mcp",
    "checkmk-sync mcp --config config.yaml",
    flag("--allow-writes", "Also offer tools that change the site."),
    flag("--confirm-by-checksum", "Accept the checksum of a preview as approval if the client cannot ask a person."),
    option(
        "--allow",
        "Offer only tools that match this pattern, such as 'hosts_*'; repeatable.",
        multiple=True,
        metavar="PATTERN",
    ),
    option("--deny", "Do not offer tools that match this pattern; repeatable.", multiple=True, metavar="PATTERN"),
    option(
        "--tools",
        "Give this kind of object, such as host-groups, its own tools; repeatable. Without the option, it is available "
        "through the tools configuration_list, configuration_get and so on.",
        multiple=True,
        metavar="NOUN",
    ),
    option(
        "--sync-folder",
        "Allow reading inventory files from this folder.",
        metavar="DIR",
        type=click.Path(file_okay=False, readable=False),
    ),
    option(
        "--max-batch",
        "Accept at most this many objects in one call, up to 10,000; files in --sync-folder may contain more.",
        type=Number(1, 10_000),
        default=500,
    ),
    file_option("--audit-log", "Log every write to this file as JSON lines (default: stderr)."),
    flag("--http", "Serve over HTTP instead of stdio."),
    *_address(8765),
    file_option("--token-file", "Read the token for clients from this file (default: the token in CHECKMK_MCP_TOKEN)."),
    flag(
        "--behind-tls", "Declare that a proxy in front of the server terminates TLS; required to serve other machines."
    ),
    option(
        "--name",
        "Accept this host name in requests, such as the name of the proxy; repeatable.",
        multiple=True,
        metavar="HOST",
    ),
)
def mcp() -> None:
    """Serve the site to language models over MCP.

    The server speaks the Model Context Protocol on stdio, or over HTTP with --http. It only reads, unless
    --allow-writes is given.
    """


_seconds = Number(kind=float, name="seconds")


@own_command(
    "simulate",
    "checkmk-sync simulate --port 5000 --hosts 2000 --version 2.3.0p41",
    *_address(5000),
    option("--site", "Use this site ID.", default="s"),
    option("--username", "Use this name for the automation user.", default="automation"),
    option("--password", "Use this password for the automation user. It is visible in the process list."),
    file_option("--password-file", "Read the password of the automation user from this file."),
    option("--hosts", "Start with this many hosts.", default=0, type=Number()),
    option("--services", "Give each host this many services, at least 2.", default=30, type=Number(2)),
    option("--version", "Simulate this version of Checkmk.", default="2.4.0p18"),
    option("--edition", "Simulate this edition of Checkmk, such as cre or raw.", default="cre"),
    option("--latency", "Delay each request by this many seconds.", default=0.0, type=_seconds),
    option(
        "--lock-hold", "Lock the configuration for this many seconds during each write.", default=0.0, type=_seconds
    ),
    option(
        "--host-cost",
        "Lock the configuration this many seconds longer for each written host.",
        default=0.0,
        type=_seconds,
    ),
    flag("--control", "Serve /control, so that tests on this machine can control the site."),
)
def simulate() -> None:
    """Serve a simulated Checkmk site until Ctrl-C.

    This command prints the address of the site, and the environment variables that make other commands use it.
    """


SERVER_COMMANDS = (mcp, simulate)
