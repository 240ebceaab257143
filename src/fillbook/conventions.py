"""The choices that change a number, in one frozen object that travels with it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from fillbook.errors import BadRequestError

CostMethod = Literal["wac", "fifo", "lifo", "hifo"]
ReturnBasis = Literal["fixed_capital", "compounded"]
BaseFee = Literal["inventory", "value"]
MarketType = Literal["spot", "linear_perp", "inverse_perp"]
MidProxy = Literal["none", "candle"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Conventions:
    """How fills are booked, marked and reported.

    Parameters
    ----------
    method
        Cost basis of realised PnL: weighted average (headline), FIFO, LIFO or HIFO.
    marks
        Prices given by the user, ``{"SEI-USDT": 0.12425}``; first in the order of marks, and
        rates for fee tokens and currencies at the end of the period.
    strict_marks
        Refuse to mark a book at its own last fill.
    capital
        Capital base in the reporting currency; None leaves every percentage unavailable.
    currency
        Reporting currency; None takes the only quote currency there is.
    return_basis
        ``fixed_capital`` divides each day's PnL by `capital`; ``compounded`` by the equity before.
    base_fee
        ``inventory`` books a spot fee in base as a deemed trade, as the wallet sees it.
    market_types
        Market type by connector, over what `sources.hummingbot` knows.
    cross_via
        Tokens a fee rate may pass through (``("USDT",)``).
    max_rate_age_s, max_mid_age_s
        Seconds after which a fee rate, a mid, is no longer a price.
    max_quote_age_s
        Seconds after which a quote no longer tells the mid a fill or an order met.
    mid_proxy
        ``candle`` lets the close of the last candle stand in for a mid nobody recorded.
    dust_base
        Residual position in base that ends a round trip.
    periods_per_year
        Days of a year in a market that never closes.
    run
        First moment and end of the bot's run (UTC), where it ran longer than it traded; None takes
        the first order or fill and the last event.
    """

    method: CostMethod = "wac"
    marks: Mapping[str, float] = field(default_factory=dict)
    strict_marks: bool = False
    capital: float | None = None
    currency: str | None = None
    return_basis: ReturnBasis = "fixed_capital"
    base_fee: BaseFee = "inventory"
    market_types: Mapping[str, MarketType] = field(default_factory=dict)
    cross_via: tuple[str, ...] = ("USDT", "USDC", "BTC")
    max_rate_age_s: float = 300.0
    max_mid_age_s: float = 120.0
    dust_base: float = 0.0
    periods_per_year: float = 365.0
    max_quote_age_s: float = 5.0
    mid_proxy: MidProxy = "none"
    run: tuple[datetime, datetime] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskConventions:
    """What the risk answer must be told, because no data says it.

    Parameters
    ----------
    trials
        Configurations tried before this one was chosen; None leaves the deflated Sharpe ratio unavailable.
    trial_variance
        Variance of their daily Sharpe ratios; None takes that of the bots compared, else 1 / (days − 1), that
        of trials without skill.
    leverage
        Position value over margin of the perpetuals; where no capital is declared their equity is the margin.
    maintenance_margin
        Share of the position value below which equity is liquidated; 0 asks only whether it is gone.
    rolling_days, backtest_days
        Days of the windows of rolling ratios, and of what a forecast knows (≥ 100).
    horizon_days
        How far ahead paths are drawn.
    losses
        Amounts of money whose loss is asked for; none takes shares of the capital, or multiples of the VaR.
    impact
        Y of the square-root law of flattening costs; 1 unless fitted.
    """

    trials: int | None = None
    trial_variance: float | None = None
    leverage: float | None = None
    maintenance_margin: float = 0.0
    rolling_days: int = 30
    backtest_days: int = 100
    horizon_days: int = 30
    losses: tuple[float, ...] = ()
    impact: float = 1.0

    def __post_init__(self) -> None:
        """Refuse what cannot mean anything, here at the edge."""
        positive = (math.isfinite(amount) and amount > 0.0 for amount in self.losses)
        rules = {
            "trials is a whole number of configurations, at least 1": self.trials is None or self.trials >= 1,
            "trial_variance is a number of 0 or more": self.trial_variance is None
            or (math.isfinite(self.trial_variance) and self.trial_variance >= 0.0),
            "leverage is a number above 0": self.leverage is None
            or (math.isfinite(self.leverage) and self.leverage > 0.0),
            "maintenance margin is a share of 0 or more, below 1": 0.0 <= self.maintenance_margin < 1.0,
            "rolling days are at least 2": self.rolling_days >= 2,
            "backtest days are at least 100": self.backtest_days >= 100,
            "horizon days are between 1 and 3,650": 1 <= self.horizon_days <= 3_650,
            "losses are amounts above 0": all(positive),
            "impact is a number of 0 or more": math.isfinite(self.impact) and self.impact >= 0.0,
        }
        broken = [rule for rule, is_kept in rules.items() if not is_kept]
        if broken:
            raise BadRequestError("; ".join(broken))


def read_marks(texts: Iterable[str]) -> dict[str, float]:
    """Prices written as ``PAIR=PRICE``.

    >>> read_marks(["SEI-USDT=0.12425"])
    {'SEI-USDT': 0.12425}

    Raises
    ------
    BadRequestError
        A text of another form, or a price that is none.
    """
    return dict(map(_mark, texts))


def _mark(text: str) -> tuple[str, float]:
    pair, _, number = text.strip().rpartition("=")
    try:
        price = float(number)
    except ValueError:
        price = math.nan
    if "-" not in pair or not math.isfinite(price) or price <= 0.0:
        raise BadRequestError(f"a given price is PAIR=PRICE, like SEI-USDT=0.12425; not {text!r}")
    return pair.strip(), price
