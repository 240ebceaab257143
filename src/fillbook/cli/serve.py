"""`fillbook serve` and `fillbook demo`: the page in a browser."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from fillbook.cli import options
from fillbook.errors import BadRequestError, MissingExtraError

PAGE = "bot_performance"
APP = Path(__file__).parents[1] / "web" / "app.py"
Port = Annotated[int, typer.Option("--port", help="Port of the page.")]
Host = Annotated[str, typer.Option("--host", help="Address to listen on; only this machine unless told otherwise.")]
NoOpen = Annotated[bool, typer.Option("--no-open", help="Do not open a browser.")]


def serve(
    uris: options.Uris, port: Port = 8501, host: Host = "localhost", no_open: NoOpen = False  # noqa: FBT002
) -> None:
    """Open databases or folders on the page."""
    from fillbook.sources.base import expand  # noqa: PLC0415

    for uri in uris:
        expand(uri)  # a folder with nothing in it is refused here, not in the browser
        if not Path(uri).expanduser().exists():
            message = f"{uri}: there is no such file or folder"
            raise BadRequestError(message)
    _run([str(Path(uri).expanduser().resolve()) for uri in uris], port, host, no_open=no_open)


def demo(port: Port = 8501, host: Host = "localhost", no_open: NoOpen = False) -> None:  # noqa: FBT002
    """Open the demo: six bots over 60 days, written once to your data folder."""
    from fillbook.demo import demo_folder  # noqa: PLC0415

    folder = demo_folder()
    typer.echo(f"demo data: {folder}")
    _run([str(folder)], port, host, no_open=no_open)


def _run(uris: list[str], port: int, host: str, *, no_open: bool) -> None:
    """Run Streamlit on the app until it is stopped.

    Raises
    ------
    MissingExtraError
        Streamlit is not installed.
    BadRequestError
        The port is taken.
    """
    if find_spec("streamlit") is None:
        raise MissingExtraError("web", "the page")
    with socket.socket() as probe:
        if probe.connect_ex((host, port)) == 0:
            message = f"port {port} is taken: choose another with --port"
            raise BadRequestError(message)
    typer.echo(f"http://{host}:{port}/{PAGE}")
    command = [
        sys.executable, "-m", "streamlit", "run", str(APP), "--server.address", host,
        "--server.port", str(port), "--server.headless", str(no_open or not _has_screen()).lower(),
        "--", *uris,
    ]  # fmt: skip
    config = APP.parent / ".streamlit" / "config.toml"
    environment = {**os.environ, "STREAMLIT_CONFIG_DIR": str(config.parent)} if config.exists() else None
    try:
        code = subprocess.run(command, check=False, cwd=APP.parent, env=environment).returncode  # noqa: S603
    except KeyboardInterrupt:
        code = 0
    raise typer.Exit(code)


def _has_screen() -> bool:
    return sys.platform in ("darwin", "win32") or bool(os.environ.get("DISPLAY"))
