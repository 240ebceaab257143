"""A small bot the command line can read."""

from pathlib import Path

import pytest

_HEAD = (
    "exchange_trade_id,config_file_path,strategy,market,symbol,base_asset,quote_asset,timestamp,"
    "order_id,trade_type,order_type,price,amount,leverage,trade_fee,position,age"
)
# Bought 10 at 100, sold 4 at 110 a minute later; no fees. Realised 4 × (110 − 100) = 40.
_FEE = "\"{'fee_type': 'AddedToCost', 'percent': '0', 'percent_token': 'USDT', 'flat_fees': []}\""
_ROWS = (
    f"1,conf.yml,pmm,binance,ABC-USDT,ABC,USDT,1700000000000,o1,BUY,LIMIT,100,10,1,{_FEE},NIL,00:00:01",
    f"2,conf.yml,pmm,binance,ABC-USDT,ABC,USDT,1700000060000,o2,SELL,LIMIT,110,4,1,{_FEE},NIL,00:00:01",
)


@pytest.fixture
def trades(tmp_path: Path) -> Path:
    path = tmp_path / "trades_bot.csv"
    path.write_text("\n".join((_HEAD, *_ROWS)) + "\n")
    return path


@pytest.fixture
def bad_trades(tmp_path: Path) -> Path:
    """The same bot with one price that was truncated to 0."""
    path = tmp_path / "trades_bad.csv"
    path.write_text("\n".join((_HEAD, _ROWS[0], _ROWS[1].replace(",110,4,", ",0,4,"))) + "\n")
    return path
