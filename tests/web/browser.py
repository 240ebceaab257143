"""A real server and a real browser, for tests and screenshots."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.error import URLError
from urllib.request import urlopen

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PAGES = (
    "bot_performance", "attribution", "risk", "compare", "limits", "reconcile", "data_health", "metrics",
)  # fmt: skip
_ALONE = (
    "--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip


@contextmanager
def serving(*uris: object, home: Path | None = None) -> Iterator[str]:
    """Address of `fillbook serve` on these sources (of `fillbook demo` without any), while it runs.

    `home` is the user data folder the server sees.
    """
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    words = [sys.executable, "-c", "from fillbook.cli.main import main; main()"]
    command = ["serve", *map(str, uris)] if uris else ["demo"]
    server = subprocess.Popen(
        [*words, *command, "--no-open", "--port", str(port)],
        stdout=subprocess.DEVNULL,
        env=os.environ | ({"XDG_DATA_HOME": str(home)} if home else {}),
    )
    try:
        _wait_for(f"http://localhost:{port}/_stcore/health")
        yield f"http://localhost:{port}"
    finally:
        server.terminate()
        server.wait(20)


def _wait_for(url: str) -> None:
    until = time.monotonic() + 120.0
    while time.monotonic() < until:
        try:
            with urlopen(url, timeout=1.0):
                return
        except (URLError, OSError):
            time.sleep(0.2)
    raise TimeoutError(f"{url} did not answer")


@contextmanager
def browsing() -> Iterator[Browser]:
    """A headless Chromium that calls nobody."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(_ALONE))
        yield browser
        browser.close()


def settled(page: Page, *, patience_s: float = 90.0) -> None:
    """Wait until the script has run to its end and nothing is loading."""
    app = page.get_by_test_id("stApp")
    app.wait_for(timeout=patience_s * 1000)
    calm, until = 0, time.monotonic() + patience_s
    while calm < 4 and time.monotonic() < until:
        is_idle = app.get_attribute("data-test-script-state") == "notRunning"
        is_shown = (
            page.get_by_test_id("stSkeleton").count() == 0 and page.get_by_test_id("stHeading").count() > 0
        )
        calm = calm + 1 if is_idle and is_shown else 0
        page.wait_for_timeout(250)
