"""The page in a real browser, as `fillbook serve` starts it: what a person would do, click by click."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote
from urllib.request import urlopen
from xml.etree import ElementTree as ET

import polars as pl
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page

import fillbook
from fillbook.reports.table import report_table
from fillbook.testing.databases import write_database
from web.browser import CHROMIUM, PAGES, browsing, serving, settled
from web.conftest import fill, small_bot

SHEET = {"s": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}
PATIENCE_MS = 60_000
ROW_PX = 35  # of a table
OWN_PROBES = tuple(f"/{path}/_stcore/" for path in PAGES)  # Streamlit's
NOT_OURS = ["[data-testid=stMetricChart]"]  # drawn by Streamlit, which gives it no text
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium on the PATH")
Visit = Callable[..., Page]


@pytest.fixture(scope="module")
def bot_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_bot(tmp_path_factory.mktemp("bots"))


@pytest.fixture(scope="module")
def address(bot_file: Path, demo: Path) -> Iterator[str]:
    with serving(bot_file, home=demo.parents[1]) as found:
        yield found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with browsing() as found:
        yield found


@pytest.fixture
def visit(address: str, browser: Browser) -> Iterator[Visit]:
    """Open an address of the server in a session of its own; nothing may go wrong in the console."""
    wrong: list[str] = []
    contexts: list[BrowserContext] = []

    def to(path: str = "bot_performance", *, width: int = 1440, theme: str = "light") -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": 1000}, color_scheme=theme, accept_downloads=True
        )  # type: ignore[arg-type]
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("dialog", lambda dialog: wrong.append(f"a dialog: {dialog.message}"))
        page.on("response", lambda r: _note(r.status, r.url, wrong))
        page.on("request", lambda r: _note_foreign(r.url, wrong))
        page.goto(path if path.startswith("http") else f"{address}/{path}")
        settled(page)
        return page

    yield to
    for context in contexts:
        for page in context.pages:
            assert page.get_by_test_id("stException").count() == 0
        context.close()
    assert not wrong


def _note(status: int, url: str, wrong: list[str]) -> None:
    if status >= 400 and not any(probe in url for probe in OWN_PROBES):
        wrong.append(f"{status} {url}")


def _note_foreign(url: str, wrong: list[str]) -> None:
    if "localhost" not in url and not url.startswith(("data:", "blob:")):
        wrong.append(f"asked {url}")


def card(page: Page, label: str) -> str:
    """Value of a card by its label."""
    found = page.get_by_test_id("stMetric").filter(has_text=label).first
    return found.get_by_test_id("stMetricValue").inner_text()


def unfold(page: Page, label: str) -> None:
    page.get_by_test_id("stExpander").filter(has_text=label).first.locator("summary").click()
    settled(page)


def click_row(page: Page, alt: str, row: int) -> None:
    """Choose a row of a table by the box before it."""
    table = page.get_by_test_id("stDataFrame").filter(has=page.get_by_label(alt)).first
    table = table if table.count() else page.get_by_label(alt).first
    table.scroll_into_view_if_needed()
    box = table.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 16, box["y"] + ROW_PX * (row + 1.5))
    settled(page)


def test_the_address_answers(address: str) -> None:
    with urlopen(f"{address}/bot_performance", timeout=10.0) as answer:
        assert answer.status == 200


def test_the_first_screen_answers_on_a_phone(visit: Visit) -> None:
    page = visit(width=390)
    assert card(page, "Net PnL") == "+4.60"
    assert page.get_by_text("The book balances").first.is_visible()
    left, right = (page.get_by_test_id("stMetric").nth(i).bounding_box() for i in (0, 1))
    assert left is not None
    assert right is not None
    assert left["y"] == right["y"], "two cards stand side by side on a phone"
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_bare_address_leads_to_the_page(visit: Visit) -> None:
    page = visit("")
    assert page.url.split("?")[0].endswith("/bot_performance")
    assert card(page, "Net PnL") == "+4.60"


def test_demo_to_chart_to_trade_to_fills_to_link(visit: Visit, demo: Path) -> None:
    page = visit()
    unfold(page, "Data source")
    page.get_by_role("button", name="Open the demo").click()
    page.get_by_text("6 bots").first.wait_for(timeout=60_000)
    settled(page)
    data = fillbook.open_data(demo)
    whole = fillbook.overview(data, check=False).metrics["net_pnl"].value
    assert float(card(page, "Net PnL").replace(",", "")) == pytest.approx(whole, abs=0.005)

    page.get_by_text("PnL by day").first.scroll_into_view_if_needed()
    bar = page.locator(".stPlotlyChart").nth(1).locator("g.points g.point path").nth(10)
    at = bar.bounding_box()
    assert at is not None
    page.mouse.click(at["x"] + at["width"] / 2, at["y"] + at["height"] / 2)
    page.get_by_role("button", name="Back one step").wait_for()
    settled(page)
    day = fillbook.overview(data, check=False).daily["day"][10]
    assert (
        f"{day:%d %b %Y}"
        in page.get_by_test_id("stMain").get_by_test_id("stCaptionContainer").first.inner_text()
    )
    narrowed = card(page, "Net PnL")
    assert narrowed != f"{whole:+,.2f}"

    click_row(page, "Round trips, the newest first", 0)
    page.get_by_text("of this round trip").wait_for()
    assert page.get_by_text("behind them").is_visible()

    link = page.get_by_test_id("stCode").last.inner_text().strip()
    assert card(visit(link), "Net PnL") == narrowed, "a link reopens the same view"

    page.get_by_role("button", name="Back one step").click()
    settled(page)
    assert float(card(page, "Net PnL").replace(",", "")) == pytest.approx(whole, abs=0.005)


def test_a_filter_by_hand_is_in_the_address(visit: Visit) -> None:
    page = visit()
    page.get_by_test_id("stSidebar").get_by_label("Pairs").click()
    page.get_by_role("option", name="XYZ-USDT").click()
    page.keyboard.press("Escape")
    settled(page)
    assert card(page, "Net PnL") == "\N{MINUS SIGN}5.20"
    assert "pair=XYZ-USDT" in page.url
    assert card(visit(page.url), "Net PnL") == "\N{MINUS SIGN}5.20"
    assert card(visit(), "Net PnL") == "+4.60", "another session sees its own filter"


def test_a_row_of_the_table_narrows_to_it(visit: Visit) -> None:
    page = visit()
    click_row(page, "Net PnL, fees and risk of each controller, exchange and pair", 1)
    assert card(page, "Net PnL") == "\N{MINUS SIGN}5.20"  # the second best: XYZ


def test_how_a_number_is_computed(visit: Visit) -> None:
    page = visit()
    page.get_by_role("button", name="How computed").first.click()
    box = page.get_by_role("dialog")
    box.get_by_text("Realised plus unrealised PnL").wait_for()
    with page.expect_download() as download:
        box.get_by_role("button", name="Download books.csv").click()
    assert "net_quote" in Path(download.value.path()).read_text("utf-8")


@pytest.mark.parametrize("kind", ["CSV", "Excel", "JSON", "Parquet"])
def test_an_export_is_what_is_shown(visit: Visit, bot_file: Path, kind: str) -> None:
    page = visit("bot_performance?pair=XYZ-USDT")
    page.get_by_text(kind, exact=True).first.click()
    settled(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download fills").click()
    content = Path(download.value.path()).read_bytes()
    data = fillbook.open_data(bot_file)
    chosen = fillbook.Filter(pairs=("XYZ-USDT",))
    ours = report_table("fills", data, chosen).rows
    prices = {
        "CSV": lambda: pl.read_csv(io.BytesIO(content), comment_prefix="#"),
        "Excel": lambda: excel_rows(content),
        "JSON": lambda: pl.DataFrame(json.loads(content)["rows"]),
        "Parquet": lambda: pl.read_parquet(io.BytesIO(content)),
    }[kind]()
    named = next(name for name in prices.columns if name.startswith("price_quote"))
    assert prices[named].cast(pl.Float64).to_list() == ours["price_quote"].to_list() == [50.0, 45.0]


def excel_rows(content: bytes) -> pl.DataFrame:
    """First sheet of a workbook, read without the library that wrote it."""
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        sheet = ET.fromstring(book.read("xl/worksheets/sheet1.xml"))
    rows = [
        {
            str(cell.get("r")).rstrip("0123456789"): "".join(cell.itertext())
            for cell in row.iterfind("s:c", SHEET)
        }
        for row in sheet.iterfind(".//s:row", SHEET)
    ]
    head, *body = rows
    return pl.DataFrame({name: [row.get(column) for row in body] for column, name in head.items()})


def test_uploads_right_and_wrong(visit: Visit, tmp_path: Path) -> None:
    wrong = tmp_path / "notes.sqlite"
    wrong.write_text("this is no database")
    right = write_database(
        tmp_path / "sent.sqlite", {"TradeFill": [fill(0, "BUY", 100.0), fill(30, "SELL", 131.0)]}
    )
    page = visit()
    unfold(page, "Data source")
    page.locator("input[type=file]").set_input_files(wrong)
    page.get_by_role("button", name="Open 1 uploaded file").click()
    page.get_by_text("is not a SQLite database").first.wait_for()
    assert card(page, "Net PnL") == "+4.60", "what was open stays"
    page.get_by_role("button", name="Remove notes.sqlite").click()
    page.get_by_text("notes.sqlite", exact=True).wait_for(state="detached")
    settled(page)
    page.locator("input[type=file]").set_input_files(right)
    page.get_by_text("sent.sqlite", exact=True).wait_for()
    settled(page)
    page.get_by_role("button", name="Open 1 uploaded file").click()
    page.get_by_text("+30.80").first.wait_for()  # 31 − 0.2


def test_names_from_data_are_text(visit: Visit, tmp_path: Path) -> None:
    name = "<img src=x onerror=alert(1)>"
    path = write_database(
        tmp_path / f"{name}.sqlite", {"TradeFill": [fill(0, "BUY", 100.0), fill(30, "SELL", 110.0)]}
    )
    page = visit(f"bot_performance?data={quote(str(path))}")
    assert page.locator("img[src=x]").count() == 0
    assert card(page, "Net PnL") == "+9.80"
    page.get_by_role("tab", name="Strategies").click()
    settled(page)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_everyone_can_read_it(visit: Visit, demo: Path, theme: str) -> None:
    for path in PAGES:
        page = visit(f"{path}?data={quote(str(demo))}", theme=theme)
        found = Axe().run(page, context={"exclude": NOT_OURS}).response["violations"]
        serious = [(v["id"], v["nodes"][0]["html"]) for v in found if v["impact"] in ("serious", "critical")]
        assert not serious, path
        assert page.get_by_role("heading", level=1).count() == 1


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_how_well_it_traded_can_be_read_and_opened(visit: Visit, demo: Path, theme: str) -> None:
    page = visit(f"bot_performance?data={quote(str(demo))}", theme=theme)
    assert page.get_by_text("against the mid before them").count() == 0, "not before it is asked for"
    unfold(page, "Fills beside the market")
    page.get_by_text("against the mid before them").first.wait_for()
    for name in ("Markouts", "Orders", "Latency", "Costs", "Market"):
        page.get_by_role("tab", name=name, exact=True).click()
        settled(page)
        if name == "Orders":
            click_row(page, "Orders, the newest first", 1)
            page.get_by_text("1 fill", exact=True).wait_for()
        found = Axe().run(page, context={"exclude": NOT_OURS}).response["violations"]
        serious = [(v["id"], v["nodes"][0]["html"]) for v in found if v["impact"] in ("serious", "critical")]
        assert not serious, name


def test_a_link_carries_the_age_of_a_quote(visit: Visit) -> None:
    page = visit()
    unfold(page, "Cost method, capital, currency")
    page.get_by_role("combobox", name="Age of a quote").fill("60 s")
    page.keyboard.press("Enter")
    page.get_by_text("quotes up to 60 s old").wait_for()
    settled(page)
    assert "quote_age=" in page.url
    again = visit(page.url)
    assert again.get_by_text("quotes up to 60 s old").count() == 1


def test_charts_say_what_they_show(visit: Visit) -> None:
    page = visit()
    for chart in page.get_by_test_id("stPlotlyChart").all():
        assert chart.locator("[aria-label]").count() or chart.get_attribute("aria-label")
