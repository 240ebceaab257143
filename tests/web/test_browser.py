"""The page in a real browser, as `fillbook serve` starts it."""

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture
def address(bot: Path) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    words = [sys.executable, "-c", "from fillbook.cli.main import main; main()"]
    server = subprocess.Popen(
        [*words, "serve", str(bot), "--no-open", "--port", str(port)], stdout=subprocess.DEVNULL
    )
    try:
        _wait_for(f"http://localhost:{port}/_stcore/health")
        yield f"http://localhost:{port}/bot_performance"
    finally:
        server.terminate()
        server.wait(20)


def _wait_for(url: str) -> None:
    until = time.monotonic() + 60.0
    while time.monotonic() < until:
        try:
            with urlopen(url, timeout=1.0):
                return
        except (URLError, OSError):
            time.sleep(0.2)
    pytest.fail("the page's server did not start in a minute")


def test_the_address_answers(address: str) -> None:
    with urlopen(address, timeout=10.0) as answer:
        assert answer.status == 200


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium on the PATH")
def test_the_first_screen_answers_the_four_questions(address: str) -> None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 390, "height": 844})
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(address)
        page.get_by_text("+4.60").first.wait_for(timeout=60_000)
        assert page.get_by_text("The book balances").first.is_visible()
        assert page.get_by_text("Page not found").count() == 0
        left, right = (page.get_by_test_id("stMetric").nth(i).bounding_box() for i in (0, 1))
        assert left is not None
        assert right is not None
        assert left["y"] == right["y"], "two cards stand side by side on a phone"
        assert not [url for url in asked if "localhost" not in url and not url.startswith(("data:", "blob:"))]
        browser.close()
