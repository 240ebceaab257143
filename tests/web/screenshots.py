"""Screenshots of every page and section at 1440 and 390 px, light and dark, to be looked at.

``python tests/web/screenshots.py OUT`` shows the demo, and real databases where their folder is there;
``python tests/web/screenshots.py OUT NAME URI …`` shows one source. Pictures are not compared with others:
one that a person would not show with pride is a bug.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parents[1]))
from web.browser import PAGES, browsing, serving, settled

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

SIZES = {"wide": 1440, "phone": 390}
THEMES = ("light", "dark")
TABS = ("Long, short, closes", "Strategies", "Assets", "Drawdowns")
QUALITY = ("Markouts", "Orders", "Latency", "Costs", "Market")
RISK = {
    "ratios": "Can the ratios be trusted?", "tails": "A day's loss", "drawdowns": "Drawdowns",
    "stress": "Stress", "together": "Lost together?",
}  # fmt: skip
TALLEST = 9_000
SHARED = Path(os.environ.get("FILLBOOK_SHARED", Path(__file__).parents[3] / "shared" / "data"))
REAL = {"nim": "*nim__642c927*", "try5": "*try5*", "no_fills": "*binance_test*"}


def whole(page: Page, width: int, path: Path) -> None:
    """A picture of the whole page, however tall."""
    settled(page)
    height = int(page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight"))
    page.set_viewport_size({"width": width, "height": min(height + 80, TALLEST)})
    settled(page)
    page.wait_for_timeout(600)
    page.screenshot(path=path)
    page.set_viewport_size({"width": width, "height": 900})


def pages(browser: Browser, address: str, out: Path) -> None:
    """Every page at every size in every theme."""
    for theme in THEMES:
        for size, width in SIZES.items():
            context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme)
            page = context.new_page()
            for path in PAGES:
                page.goto(f"{address}/{path}")
                whole(page, width, out / f"{path}-{size}-{theme}.png")
            context.close()


def sections(browser: Browser, address: str, out: Path) -> None:
    """What is behind tabs, expanders and buttons, once wide and once narrow."""
    for size, theme in (("wide", "light"), ("phone", "dark")):
        width = SIZES[size]
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme)
        page = context.new_page()
        page.goto(f"{address}/bot_performance")
        settled(page)
        for name in TABS:
            tab = page.get_by_role("tab", name=name)
            if tab.count():
                tab.click()
                settled(page)
                page.wait_for_timeout(600)
                tab.scroll_into_view_if_needed()
                page.screenshot(path=out / f"tab-{name.split(',')[0].lower()}-{size}-{theme}.png")
        for label in ("Data source", "More figures", "Books", "Unusual", "Configuration"):
            box = page.get_by_test_id("stExpander").filter(has_text=label).first
            if box.count():
                box.locator("summary").click()
        whole(page, width, out / f"unfolded-{size}-{theme}.png")
        if page.get_by_text("How computed").count():
            page.get_by_text("How computed").first.click()
            page.get_by_role("dialog").wait_for()
            settled(page)
            page.wait_for_timeout(600)
            page.screenshot(path=out / f"how-{size}-{theme}.png")
        context.close()


def quality(browser: Browser, address: str, out: Path) -> None:
    """How well it traded, tab by tab, at every size in every theme."""
    for theme in THEMES:
        for size, width in SIZES.items():
            context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme)
            page = context.new_page()
            page.goto(f"{address}/bot_performance")
            settled(page)
            box = page.get_by_test_id("stExpander").filter(has_text="Fills beside the market").first
            if not box.count():
                context.close()
                continue
            box.locator("summary").first.click()
            settled(page)
            for name in QUALITY:
                page.get_by_role("tab", name=name, exact=True).click()
                settled(page)
                height = int(page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight"))
                page.set_viewport_size({"width": width, "height": height + 80})
                settled(page)
                page.wait_for_timeout(600)
                box.screenshot(path=out / f"quality-{name.lower()}-{size}-{theme}.png")
                page.set_viewport_size({"width": width, "height": 900})
            context.close()


def risk(browser: Browser, address: str, out: Path) -> None:
    """The page Risk, tab by tab, at every size in every theme."""
    for theme in THEMES:
        for size, width in SIZES.items():
            context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme)
            page = context.new_page()
            page.goto(f"{address}/risk?capital=10000&trials=20&leverage=5")
            settled(page)
            page.get_by_role("tab").first.wait_for()
            for name, title in RISK.items():
                tab = page.get_by_role("tab", name=title, exact=True)
                if not tab.count():
                    break
                tab.click()
                settled(page)
                more = page.get_by_test_id("stExpander").filter(has_text="Asset by asset")
                if more.count():
                    more.locator("summary").first.click()
                whole(page, width, out / f"risk-{name}-{size}-{theme}.png")
            context.close()


def main(out: Path, sources: dict[str, list[str]]) -> None:
    """Pictures of every source, a folder each."""
    for name, uris in sources.items():
        folder = out / name
        folder.mkdir(parents=True, exist_ok=True)
        with serving(*uris) as address, browsing() as browser:
            pages(browser, address, folder)
            sections(browser, address, folder)
            quality(browser, address, folder)
            risk(browser, address, folder)


def every_source() -> dict[str, list[str]]:
    """The demo, and the real databases that are there."""
    found = {name: list((SHARED / "hummingbot").glob(pattern)) for name, pattern in REAL.items()}
    return {"demo": [], **{name: [str(paths[0])] for name, paths in found.items() if paths}}


if __name__ == "__main__":
    target, *rest = sys.argv[1:]
    main(Path(target), {rest[0]: rest[1:]} if rest else every_source())
