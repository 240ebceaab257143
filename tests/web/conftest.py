"""The app run without a browser, on a small bot built here."""

from collections.abc import Callable
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

import fillbook.web
from fillbook.testing.databases import write_database

APP = Path(fillbook.web.__file__).parent / "app.py"
FEE = {"percent": "0", "percent_token": "USDT", "flat_fees": [{"token": "USDT", "amount": "0.1"}]}
Started = Callable[..., AppTest]


def fill(number: int, side: str, price: float, pair: str = "ABC-USDT") -> dict[str, object]:
    base, quote = pair.split("-")
    return {
        "market": "binance", "symbol": pair, "base_asset": base, "quote_asset": quote,
        "timestamp": 1_700_000_000_000 + 3_600_000 * number, "order_id": f"o{number}",
        "trade_type": side, "price": price, "amount": 1.0, "trade_fee": FEE,
        "trade_fee_in_quote": 0.1, "exchange_trade_id": f"t{number}",
    }  # fmt: skip


def small_bot(folder: Path) -> Path:
    """Won 10 − 0.2 on ABC, lost 5 + 0.2 on XYZ; flat at the end."""
    rows = [
        fill(0, "BUY", 100.0), fill(30, "SELL", 110.0),
        fill(31, "BUY", 50.0, "XYZ-USDT"), fill(60, "SELL", 45.0, "XYZ-USDT"),
    ]  # fmt: skip
    return write_database(folder / "small_bot.sqlite", {"TradeFill": rows})


@pytest.fixture
def bot(tmp_path: Path) -> Path:
    return small_bot(tmp_path)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Started:
    def start(*uris: object, is_fresh: bool = True) -> AppTest:
        monkeypatch.setattr("sys.argv", ["app.py", *(str(uri) for uri in uris)])
        if is_fresh:
            st.cache_resource.clear()
        app = AppTest.from_file(str(APP), default_timeout=60.0).run()
        while not app.exception and app.title and app.title[0].value == "Opening":
            app = app.run()
        return app

    return start
