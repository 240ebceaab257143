"""Every number on the page is that of ``fillbook summary --json`` under the same filter."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from cli.command_line import Run
from fillbook.metrics.evaluate import load_metrics
from fillbook.testing.databases import write_database
from web.conftest import Started, fill

DASH, MINUS, THIN = "\N{EM DASH}", "\N{MINUS SIGN}", "\N{THIN SPACE}"
UNITS = {"d": 86_400.0, "h": 3_600.0, "min": 60.0, "s": 1.0}
BOOKS = {
    "Net PnL": "net_quote", "Realised": "realized_quote", "Unrealised": "unrealized_quote",
    "Fees": "fees_quote", "Funding": "funding_quote", "Volume": "volume_quote",
}  # fmt: skip


@pytest.fixture
def busy_bot(tmp_path: Path) -> Path:
    """Two pairs traded up and down for 40 days, one left open; fees in quote and in base."""
    rows = []
    for number in range(120):
        pair = "ABC-USDT" if number % 3 else "XYZ-USDT"
        row = fill(8 * number, "BUY" if number % 2 else "SELL", 100.0 + (number * 7) % 11, pair)
        row["amount"] = 1.0 + number % 4 / 4
        if number % 5 == 0:
            row["trade_fee"] = {
                "percent": "0", "percent_token": None,
                "flat_fees": [{"token": pair[:3], "amount": "0.001"}],
            }  # fmt: skip
        rows.append(row)
    return write_database(tmp_path / "busy_bot.sqlite", {"TradeFill": rows})


def number_of(text: str) -> float:
    """Value of a card's text; a duration in seconds, a percentage as a fraction."""
    plain = text.replace(MINUS, "-").replace(",", "")
    parts = re.findall(r"([-+]?[\d.]+(?:e-?\d+)?)\s*(d|h|min|s)\b", plain)
    if parts:
        return sum(float(value) * UNITS[unit] for value, unit in parts)
    if plain.endswith("%"):
        return float(plain.rstrip(f"%{THIN}")) / 100
    return float(plain)


def tolerance(text: str) -> float:
    """Half of the last digit shown; durations show their two largest units."""
    plain = text.replace(MINUS, "-").replace(",", "")
    last = re.findall(r"(d|h|min|s)\b", plain)
    if last:
        return {"d": 3_600.0, "h": 60.0, "min": 1.0, "s": 0.5}[last[0]] * 1.0
    if "e" in plain:
        return abs(number_of(text)) * 0.05
    digits = plain.rstrip(f"%{THIN}").partition(".")[2]
    half = 0.5 * 10.0 ** -len(digits)
    return half / 100 if plain.endswith("%") else half


def summary(run: Run, bot: Path, *words: str) -> dict[str, Any]:
    return json.loads(run("summary", bot, "--json", *words).out)  # type: ignore[no-any-return]


def unfolded(app: AppTest) -> AppTest:
    """The page with its further cards and the books shown."""
    app.session_state["more"] = True
    app.session_state["books"] = True
    return app.run()


def check_cards(app: AppTest, said: dict[str, Any]) -> int:
    """Compare every card with the metric of its label; how many were compared."""
    labels = {metric.label: key for key, metric in load_metrics().items()}
    assert len(labels) == len(load_metrics()), "labels tell metrics apart"
    for card in app.metric:
        label = card.label.removesuffix(f", {said['currency']}")
        result = said["metrics"][labels[label]]
        if result["value"] is None:
            assert card.value == DASH, card.label
            continue
        assert number_of(card.value) == pytest.approx(
            result["value"], abs=tolerance(card.value) * (1 + 1e-9)
        ), card.label
    return len(app.metric)


def check_books(app: AppTest, said: dict[str, Any]) -> None:
    """Compare the tables of parts and of books with those of the summary."""
    parts, books = (
        next(t.value for t in app.dataframe if set(names) <= set(t.value.columns))
        for names in (("part", "net"), ("realized_quote", "net_quote"))
    )
    net = said["metrics"]["net_pnl"]["value"]
    assert math.fsum(parts["net"]) == pytest.approx(net, abs=1e-9)
    assert math.fsum(parts["fees"]) == pytest.approx(said["metrics"]["fees"]["value"], abs=1e-9)
    theirs = {(b["bot"], b["connector"], b["pair"], b["leg"]): b for b in said["books"]}
    assert len(books) == len(theirs)
    for row in books.to_dict("records"):
        book = theirs[row["bot"], row["connector"], row["pair"], row["leg"]]
        for name in BOOKS.values():
            assert row[name] == pytest.approx(book[name], abs=1e-12), name


@pytest.mark.parametrize(
    ("narrowed", "words"),
    [
        ({}, ()),
        ({"pair": ["XYZ-USDT"]}, ("--pair", "XYZ-USDT")),
        ({"side": ["BUY"]}, ("--side", "BUY")),
    ],
    ids=["all", "pair", "side"],
)
@pytest.mark.parametrize("capital", [None, 5_000.0])
def test_every_number_is_that_of_the_summary(
    started: Started, busy_bot: Path, run: Run, narrowed: dict[str, list[str]], words: tuple[str, ...],
    capital: float | None,
) -> None:  # fmt: skip
    app = started(busy_bot)
    for key, value in narrowed.items():
        next(box for box in app.multiselect if box.key == key).set_value(value)
    if capital is not None:
        app.number_input[0].set_value(capital)
    app = unfolded(app.run())
    assert not app.exception
    said = summary(run, busy_bot, *words, *(() if capital is None else ("--capital", str(capital))))
    assert check_cards(app, said) >= 30
    check_books(app, said)


def test_every_number_of_real_bots_too(started: Started, shared_data: Path, run: Run) -> None:
    for name in ("*nim__642c927*", "*try5*"):
        bot = next((shared_data / "hummingbot").glob(name))
        app = unfolded(started(bot))
        assert not app.exception
        said = summary(run, bot)
        check_cards(app, said)
        check_books(app, said)


def test_the_numbers_of_a_card_are_read_back_as_they_are() -> None:
    assert number_of(f"{MINUS}1,234.50") == -1234.5
    assert number_of(f"72.80{THIN}%") == pytest.approx(0.728)
    assert number_of("2 d 4 h") == 187_200.0
    assert tolerance("2.31") == 0.005
