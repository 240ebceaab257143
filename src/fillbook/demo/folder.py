"""Where the demo lies, and how it comes there: once, whole, the same every time."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

import fillbook
from fillbook.demo.bot_log import BotLog, Venue
from fillbook.demo.executors import Barriers, averaging, directional, grid
from fillbook.demo.makers import Quoting, cross_exchange_maker, spot_maker
from fillbook.demo.markets import Bars, Market, histories, simulate, write_candles, write_quotes

SEED = 20_261_120
_EDITION = 3  # counts up when the demo of one version of the program changes
_PERP = Venue("binance_perpetual", 0.0002, 0.0004, leverage=5, prefix="x-nbQe1H39")
_BNB = Venue("binance", 0.0001, 0.00024, fee_token="BNB")  # noqa: S106  (a coin)
_PLAIN = Venue("binance", 0.001, 0.001, fee_token="received")  # noqa: S106
_KUCOIN = Venue("kucoin", 0.0002, 0.0006, prefix="")
Bot = tuple[str, str, Callable[[BotLog, dict[str, Market], np.random.Generator], None]]


def _maker(log: BotLog, markets: dict[str, Market], rng: np.random.Generator) -> None:
    spot_maker(log, _BNB, markets["SOL-USDT"], Quoting(0.0019, 8, 220.0, 3_600.0), rng)


def _thin(log: BotLog, markets: dict[str, Market], rng: np.random.Generator) -> None:
    spot_maker(log, _PLAIN, markets["DOGE-USDT"], Quoting(0.0011, 15, 90.0, 1_800.0, 0.3), rng)


def _cross(log: BotLog, markets: dict[str, Market], rng: np.random.Generator) -> None:
    cross_exchange_maker(
        log, (_KUCOIN, _BNB), markets["AVAX-USDT"], Quoting(0.0023, 12, 200.0, 1e9, 0.0), rng
    )


def _grid(log: BotLog, markets: dict[str, Market], rng: np.random.Generator) -> None:
    del rng  # a grid has no chance in it
    grid(log, _PERP, markets["ETH-USDT"], levels=14, step=0.0028, size_quote=420.0, hours=48)


def _trend(log: BotLog, markets: dict[str, Market], rng: np.random.Generator) -> None:
    barriers = Barriers(0.0110, 0.0120, 300, 0.0065, 0.0018)
    for pair, size in (("BTC-USDT", 2_500.0), ("SOL-USDT", 1_600.0)):
        directional(log, _PERP, markets[pair], barriers, size, rng)


def _average(log: BotLog, markets: dict[str, Market], rng: np.random.Generator) -> None:
    del rng  # nor has averaging down
    averaging(
        log, _KUCOIN, markets["BNB-USDT"], depths=(0.0008, 0.004, 0.009, 0.016),
        weights=(1.0, 1.5, 2.5, 4.0), size_quote=3_000.0, take_profit=0.0042, stop_loss=0.022,
    )  # fmt: skip


BOTS: tuple[Bot, ...] = (
    ("maker_sol", "pure_market_making", _maker),
    ("thin_doge", "pure_market_making", _thin),
    ("cross_avax", "v2_with_controllers", _cross),
    ("grid_eth_perp", "v2_with_controllers", _grid),
    ("trend_perp", "v2_with_controllers", _trend),
    ("average_bnb", "v2_with_controllers", _average),
)


def demo_folder() -> Path:
    """Folder of the demo: ``FILLBOOK_DEMO``, else below the user's own data folder."""
    if named := os.environ.get("FILLBOOK_DEMO"):
        return Path(named)
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA", Path.home()))
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    else:
        base = Path(os.environ.get("XDG_DATA_HOME", Path.home() / ".local" / "share"))
    return base / "fillbook" / f"demo-{fillbook.__version__}-{_EDITION}"


def write_demo(folder: Path, *, seed: int = SEED) -> None:
    """Write the demo's databases, candles and quotes, unless the folder is there already.

    It appears under its name only when it is whole, also when two programs write it at once.

    Parameters
    ----------
    folder
        Folder to make: ``bots/instances/<bot>/data/<bot>.sqlite``, ``candles/`` and ``quotes/``.
    seed
        Same seed, same rows.
    """
    if folder.exists():
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        _write(beside, seed)
        beside.chmod(0o755)
        beside.rename(folder)
    except OSError:
        if not folder.is_dir():
            raise
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _write(folder: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    markets = simulate(rng)
    for (bot, strategy, run), own in zip(BOTS, rng.spawn(len(BOTS)), strict=True):
        log = BotLog(bot, strategy, markets["BNB-USDT"])
        run(log, markets, own)
        log.write(folder / "bots" / "instances" / bot / "data" / f"{bot}.sqlite")
    past = histories(markets, np.random.default_rng([seed, 1]))  # chance of its own: the bots' stays as it is
    for pair, market in markets.items():
        bars = past[pair].followed_by(Bars.of(market))
        write_candles(bars, market.listing, "binance", folder / "candles")
    write_quotes(markets["SOL-USDT"], "binance", folder / "quotes")
