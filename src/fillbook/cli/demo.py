"""``fillbook demo``: six bots over 60 days, written once, shown on the page."""

from __future__ import annotations

from fillbook.cli.opening import progress
from fillbook.cli.serve import DEFAULT_PORT, Host, IsSilent, Port, run_page


def demo(*, port: Port = DEFAULT_PORT, host: Host = "localhost", no_open: IsSilent = False) -> None:
    """Open the page with six simulated bots, until Ctrl-C."""
    from fillbook.demo import demo_folder, write_demo  # noqa: PLC0415  (brings the simulation)

    folder = demo_folder()
    with progress() as said:
        said("writing the demo's databases", 0.0)
        write_demo(folder)
    run_page([str(folder)], port=port, host=host, is_opened=not no_open)
