"""Which candles some fills ask for."""

from datetime import timedelta

from fillbook.analysis.candle_needs import candle_needs
from fillbook.testing.tables import START, fills


def test_markets_of_the_fills_and_of_their_fee_tokens() -> None:
    rows = fills(
        at=[0, 60, 120, 180],
        connector=["kucoin_PaperTrade", "binance_perpetual", "binance_perpetual", "binance"],
        pair=["ABC-USDT", "ETH-USDT", "ETH-USDT", "WETH-USDT"],
        base=["ABC", "ETH", "ETH", "WETH"],
        quote="USDT",
        fee_token=[None, "BNB", "USDT", "ETH"],
        fee_amount=[None, 0.1, 0.1, 0.1],
    )
    found = candle_needs(rows, before=timedelta(hours=1), after=timedelta(minutes=5))
    assert found.rows() == [
        (
            "binance_perpetual",
            "ETH-USDT",
            START - timedelta(minutes=59),
            START + timedelta(minutes=7),
            "traded",
        ),
        ("binance", "WETH-USDT", START - timedelta(minutes=57), START + timedelta(minutes=8), "traded"),
        ("kucoin", "ABC-USDT", START - timedelta(hours=1), START + timedelta(minutes=5), "traded"),
        ("binance", "BNB-USDT", START - timedelta(minutes=59), START + timedelta(minutes=6), "fee token"),
    ]  # ETH is WETH under another name: the fill itself prices it


def test_no_fills_ask_for_no_candles() -> None:
    assert candle_needs(fills().clear()).is_empty()
