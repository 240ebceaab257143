"""``fillbook serve``: the page in a browser, started by path so that nothing here knows it."""

from __future__ import annotations

import importlib.util
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fillbook.cli.choices import Uris
from fillbook.errors import BadRequestError, MissingExtraError

if TYPE_CHECKING:
    import subprocess
    from types import FrameType

ROUTE = "bot_performance"
DEFAULT_PORT = 8501
_LOCAL = "localhost"
_START_S = 60.0
_POLL_S = 0.1
_PRIVATE = frozenset({_LOCAL, "127.0.0.1", "::1"})

Port = Annotated[int, typer.Option("--port", min=1, max=65535, help="Port to listen on.")]
Host = Annotated[str, typer.Option("--host", help="Address to listen on; localhost is this computer only.")]
IsSilent = Annotated[bool, typer.Option("--no-open", help="Do not open a browser.")]


def serve(uris: Uris, *, port: Port = DEFAULT_PORT, host: Host = _LOCAL, no_open: IsSilent = False) -> None:
    """Open the page with this data, until Ctrl-C."""
    run_page(readable(uris), port=port, host=host, is_opened=not no_open)


def readable(uris: list[str]) -> list[str]:
    """Absolute addresses of sources that are there; said now rather than on the page.

    Raises
    ------
    UnreadableSourceError
        A source is not there, or may not be read.
    """
    from fillbook.sources.base import checked_path, expand, plain_path, scheme_of  # noqa: PLC0415
    from fillbook.sources.credentials import refuse_secrets  # noqa: PLC0415

    for uri in uris:
        refuse_secrets(uri)
        if not scheme_of(uri) and expand(uri) == [uri]:
            checked_path(uri)
    return [uri if scheme_of(uri) else str(plain_path(uri).resolve()) for uri in uris]


def run_page(uris: list[str], *, port: int, host: str, is_opened: bool, route: str = ROUTE) -> None:
    """Run the page's server until it ends, and say its address; `route` is the page that is opened.

    Raises
    ------
    MissingExtraError
        Streamlit is not installed.
    BadRequestError
        The port is in use, or the address is not this computer's.
    """
    if importlib.util.find_spec("streamlit") is None:
        raise MissingExtraError("web", "the page")
    import subprocess  # noqa: PLC0415  (`fillbook --help` need not wait for it)

    refuse_busy(host, port)
    address = f"http://{_spoken(host)}:{port}/{route}"
    server = subprocess.Popen(page_command(uris, host=host, port=port))  # noqa: S603  (our own words)
    signal.signal(signal.SIGTERM, _ender(server))
    try:
        if _answers(server, f"http://{_spoken(host)}:{port}/_stcore/health"):
            typer.echo(f"fillbook is at {address} (Ctrl-C ends it)")
            if host not in _PRIVATE:
                typer.echo("anyone who reaches this address can read the data", err=True)
            if is_opened:
                typer.launch(address)
        code = server.wait()
    except KeyboardInterrupt:
        server.terminate()
        server.wait()
        code = 0
    raise typer.Exit(code)


def page_command(uris: list[str], *, host: str, port: int) -> list[str]:
    """Command that starts the page."""
    web = importlib.util.find_spec("fillbook.web")
    folders = web.submodule_search_locations if web else None
    if not folders:
        raise MissingExtraError("web", "the page")
    flags = {
        "--server.address": host,
        "--server.port": str(port),
        "--server.headless": "true",  # the browser is opened by us, at the page itself
        "--browser.gatherUsageStats": "false",
    }
    words = [word for flag in flags.items() for word in flag]
    return [
        sys.executable,
        "-m",
        "streamlit",
        "run",
        str(Path(folders[0]) / "app.py"),
        *words,
        "--",
        *uris,
    ]


def refuse_busy(host: str, port: int) -> None:
    """Refuse a port that something else listens on.

    Raises
    ------
    BadRequestError
        The port is in use, may not be used, or the host is not this computer.
    """
    import socket  # noqa: PLC0415

    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise BadRequestError(f"--host {host} is no address of this computer") from error
    for family, kind, protocol, _, place in found[:1]:
        with socket.socket(family, kind, protocol) as attempt:
            attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                attempt.bind(place)
            except OSError as error:
                why = error.strerror
                message = f"port {port} on {host} cannot be used ({why}): try --port {port + 1}"
                raise BadRequestError(message) from error


def _spoken(host: str) -> str:
    """Host as a browser on this computer writes it."""
    if host in ("0.0.0.0", "::"):  # noqa: S104  (compared, not bound)
        return _LOCAL
    return f"[{host}]" if ":" in host else host


def _answers(server: subprocess.Popen[bytes], health: str) -> bool:
    """Whether the server answers before it ends or the patience does."""
    from urllib.error import URLError  # noqa: PLC0415
    from urllib.request import urlopen  # noqa: PLC0415

    until = time.monotonic() + _START_S
    while time.monotonic() < until and server.poll() is None:
        try:
            with urlopen(health, timeout=1.0):  # noqa: S310  (our own address)
                return True
        except (URLError, OSError):
            time.sleep(_POLL_S)
    return False


def _ender(server: subprocess.Popen[bytes]) -> Callable[[int, FrameType | None], None]:
    """Reaction to being told to end: the server ends too."""

    def end(_number: int, _frame: FrameType | None) -> None:
        server.terminate()

    return end
