"""Time the page on a large database: ``python benchmarks/page.py DATABASE``; the answer is JSON.

Server figures come from running the app without a browser, message sizes from a real one where Chromium
is on the PATH.
"""

import json
import resource
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from streamlit.testing.v1 import AppTest

import fillbook.web
from fillbook.web import state

APP = Path(fillbook.web.__file__).parent / "app.py"
PATIENCE_S = 300.0
SESSIONS = 10
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


def seconds(step: Callable[[], AppTest]) -> tuple[float, AppTest]:
    """Seconds a step takes, and what it gives."""
    start = time.perf_counter()
    app = step()
    assert not app.exception, [error.message for error in app.exception]
    return time.perf_counter() - start, app


def memory() -> float:
    """Bytes this process holds now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1]) if Path("/proc/self/statm").exists() else 0
    return pages * resource.getpagesize()


def opened() -> AppTest:
    """The app in a new session, after the data is open."""
    app = AppTest.from_file(str(APP), default_timeout=PATIENCE_S).run()
    while app.title and app.title[0].value == "Opening":
        time.sleep(0.2)
        app = app.run()
    assert not app.exception, [error.message for error in app.exception]
    return app


def server(path: Path) -> dict[str, float]:
    """First paint, filter changes and memory of further sessions."""
    sys.argv = ["app.py", str(path)]
    app = opened()  # opens the data, and compiles nothing: kernels are compiled at set-up
    fills = app.session_state["performance_data"].fills
    for cached in (state._answered, state._parted, state._checked):  # noqa: SLF001
        cached.clear()
    first_s, app = seconds(app.run)  # nothing is answered yet, the data is in the session
    pair, bot = str(fills["pair"][0]), str(fills["bot"][0])
    changes = []
    for key, value in (("pair", [pair]), ("side", ["BUY"]), ("bot", [bot]), ("pair", [])):
        next(box for box in app.multiselect if box.key == key).set_value(value)
        taken, app = seconds(app.run)
        changes.append(taken)
    held = memory()
    sessions = [opened() for _ in range(SESSIONS)]
    return {
        "first_s": first_s, "filter_s": max(changes), "session_bytes": (memory() - held) / len(sessions),
    }  # fmt: skip


def largest_message(path: Path) -> int | None:
    """Bytes of the largest message to a browser that opens the page and every tab."""
    if CHROMIUM is None:
        return None
    from playwright.sync_api import sync_playwright

    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    words = [sys.executable, "-c", "from fillbook.cli.main import main; main()"]
    process = subprocess.Popen(
        [*words, "serve", str(path), "--no-open", "--port", str(port)], stdout=subprocess.DEVNULL
    )
    sizes = [0]
    try:
        time.sleep(5.0)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": 1440, "height": 1000})
            page.on("websocket", lambda ws: ws.on("framereceived", lambda data: sizes.append(len(data))))
            page.goto(f"http://localhost:{port}/bot_performance")
            page.get_by_role("tab").first.wait_for(timeout=PATIENCE_S * 1000)
            for tab in page.get_by_role("tab").all():
                tab.click()
                page.wait_for_timeout(1_500)
            browser.close()
    finally:
        process.terminate()
        process.wait(20)
    return max(sizes)


def main() -> None:
    """Measure, and say it as JSON."""
    path = Path(sys.argv[1])
    sys.stdout.write(json.dumps({"message_bytes": largest_message(path), **server(path)}))


if __name__ == "__main__":
    main()
