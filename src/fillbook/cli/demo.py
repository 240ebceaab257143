"""``fillbook demo``: six bots over 60 days, written once, shown on the page; or bots that trade now."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fillbook.cli.opening import progress
from fillbook.cli.serve import DEFAULT_PORT, Host, IsSilent, Port, run_page
from fillbook.errors import BadRequestError

if TYPE_CHECKING:
    from fillbook.demo.live import LiveDemo

IsLive = Annotated[
    bool,
    typer.Option("--live", help="Bots that trade now: databases that grow, and a broker that tells of it."),
]
Broker = Annotated[
    str,
    typer.Option(
        "--broker", metavar="URI", help="With --live: a broker mqtt://…, instead of one of its own."
    ),
]
Bots = Annotated[int, typer.Option("--bots", min=1, max=1000, help="With --live: how many bots.")]
Rate = Annotated[
    float,
    typer.Option("--rate", min=0.1, max=5000.0, help="With --live: events a second of all bots together."),
]
Folder = Annotated[
    Path | None, typer.Option("--folder", help="With --live: where the databases lie, and stay when it ends.")
]
IsWithoutPage = Annotated[bool, typer.Option("--no-page", help="With --live: the bots alone.")]


def demo(
    *,
    port: Port = DEFAULT_PORT,
    host: Host = "localhost",
    no_open: IsSilent = False,
    live: IsLive = False,
    broker: Broker = "",
    bots: Bots = 3,
    rate: Rate = 6.0,
    folder: Folder = None,
    no_page: IsWithoutPage = False,
) -> None:
    """Open the page with six simulated bots; with --live, with bots that trade now; until Ctrl-C."""
    if live:
        running = _live(broker, bots, rate, folder)
        with running:
            typer.echo(f"{bots} bots trade now, {rate:g} events a second (Ctrl-C ends it)")
            typer.echo(f"broker     {running.address}")
            typer.echo(f"databases  {running.folder / 'bots'}")
            if no_page:
                _wait(running)
            else:
                uris = [str((running.folder / "bots").resolve()), running.address]
                run_page(uris, port=port, host=host, is_opened=not no_open, route="live")
        typer.echo(f"ended after {running.n_events:,} events")
        return
    if broker or folder or no_page:
        message = "--broker, --folder and --no-page are of the live demo: add --live"
        raise BadRequestError(message)
    from fillbook.demo import demo_folder, write_demo  # noqa: PLC0415  (brings the simulation)

    written = demo_folder()
    with progress() as said:
        said("writing the demo's databases", 0.0)
        write_demo(written)
    run_page([str(written)], port=port, host=host, is_opened=not no_open)


def _live(broker: str, bots: int, rate: float, folder: Path | None) -> LiveDemo:
    from fillbook.demo.live import LiveDemo, Pace  # noqa: PLC0415  (brings the simulation)

    return LiveDemo(Pace(bots, rate), folder=folder, broker=broker)


def _wait(running: LiveDemo) -> None:
    """Until somebody ends it, or the databases cannot be written.

    Raises
    ------
    BadRequestError
        They cannot.
    """
    import signal  # noqa: PLC0415
    import threading  # noqa: PLC0415

    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    while not ended.wait(1.0):
        if running.failure:
            message = f"the bots' databases cannot be written: {running.failure}"
            raise BadRequestError(message)
