"""One number with everything a doubting reader asks about it (DEFINITIONS 0.3)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Self

from fillbook.units import Unit


class Status(StrEnum):
    """How far a number can be trusted; `UNDEFINED` and `UNAVAILABLE` have no value."""

    OK = "ok"
    PARTIAL = "partial"
    LOW_N = "low_n"
    UNDEFINED = "undefined"
    UNAVAILABLE = "unavailable"
    INCONSISTENT = "inconsistent"


class Undefined(float):
    """A NaN that knows why there is no number.

    Metric functions return it where the answer does not exist; arithmetic on it is NaN.

    >>> Undefined("zero_variance").reason
    'zero_variance'
    """

    reason: str
    status: Status

    def __new__(cls, reason: str, status: Status = Status.UNDEFINED) -> Self:
        """Make a NaN with a reason code of DEFINITIONS 0.3."""
        self = super().__new__(cls, math.nan)
        self.reason = reason
        self.status = status
        return self

    @classmethod
    def unavailable(cls, reason: str) -> Self:
        """NaN because the data was not supplied, not because mathematics has no answer."""
        return cls(reason, Status.UNAVAILABLE)


REASONS: Mapping[str, str] = {
    "empty": "nothing to compute it from",
    "n_lt_2": "needs at least two values",
    "n_lt_3": "needs at least three values",
    "zero_variance": "every value is the same",
    "zero_downside": "nothing fell below the target",
    "zero_drawdown": "there was no drawdown",
    "no_losses": "nothing was lost",
    "no_wins": "nothing was won",
    "no_trades": "no round trip was closed",
    "no_orders": "no such order has ended",
    "no_exceptions": "no day exceeded it",
    "no_capital": "no capital declared",
    "non_positive_capital": "capital is not positive",
    "not_compounded": "only on compounded returns",
    "equity_non_positive": "equity fell to zero",
    "window_too_short": "shorter than a day",
    "no_mid": "no price is known for that time",
    "stale_mid": "no quote near enough in time",
    "few_mids": "a price is known for less than half of the value",
    "no_quote": "bid and ask are not known",
    "resolution_too_coarse": "the fills' clock is too coarse for this horizon",
    "no_candles": "no candles of the same exchange and pair",
    "no_volume": "the market did not trade in that time",
    "candles_missing": "candles do not cover all of it",
    "own_exceeds_market": "own volume above the market's: another exchange's candles, or simulated trades",
    "clock_floor": "decisions are known by a clock tick only",
    "no_maker_fills": "no fill rested for certain",
    "zero_spread": "bid and ask were equal",
    "one_sided": "only one side traded",
    "no_limit_price": "no limit price is recorded",
    "not_reached": "fewer than half were ever filled",
    "n_too_small": "too few for this quantile",
    "few_orders": "few orders",
    "candle_mid": "candle closes stand in for mids",
    "own_quote_mid": "mids are those of the bot's own quotes",
    "side_filtered": "only one side is chosen",
    "links_omit_cancelled": "executors name only their orders that filled",
    "no_taker_orders": "no market or marketable order was filled",
    "liquidity_unknown": "plain LIMIT orders may have made or taken",
    "no_rate": "no exchange rate",
    "no_order_row": "the data has no orders",
    "long_idle": "75 days in a row without a gain or a loss leave no volatility to scale by",
    "n_too_small_for_alpha": "too few days for this level",
    "outside_cf_domain": "too skewed for the expansion",
    "outside_psr_domain": "too skewed for the estimate",
    "few_days": "few days",
    "n_lt_20": "needs at least twenty days",
    "n_lt_10": "needs at least ten days in common",
    "often_undefined": "more than 5 % of the resampled histories have none",
    "trials_not_declared": "nobody says how many configurations were tried",
    "not_above_benchmark": "the Sharpe ratio is not above it",
    "too_few_for_backtest": "needs more than a hundred days",
    "no_forecast": "no day had a forecast",
    "es_not_positive": "a forecast sees no loss even in its tail",
    "needs_250_days": "needs 250 forecast days",
    "only_at_99_percent": "only for the 99 % level",
    "no_beta": "no beta to BTC: needs 60 days of candles",
    "no_depth": "candles do not tell the market's volume and volatility",
    "no_positions": "nothing is held at the end",
    "no_perps": "no perpetual is held",
    "not_all_in_one_quote": "capital is not told apart by quote currency",
    "no_stablecoin": "no stablecoin is a quote",
    "no_leverage": "neither capital nor leverage is declared",
    "portfolio_not_installed": "needs a library: pip install fillbook[portfolio]",
    "few_common_days": "fewer than ten days in common",
    "no_common_days": "no day in common",
    "few_days_for_interval": "fewer than twenty days: no interval",
    "no_variation": "nothing varies: no interval",
    "few_tail_days": "too few days in the tail for an interval that holds 95 %",
    "n_lt_100": "needs at least a hundred days",
    "days_hardly_depend": "days hardly depend on the day before: the plain ratio stands",
    "days_in_spells": "calm and wild days come in spells: needs 500 days, of the shortfall 1,000",
    "uneven_days": "a few days outweigh the rest: needs 500 days",
    "curve_gaps": "points without a price or a rate are left out",
    "open_ended": "so few days that it has no end on one side",
    "benchmark_is_a_return": "the benchmark is a return, not money",
    "currencies_differ": "in another currency",
    "no_inventory": "the opening inventory is not given",
    "no_price": "no price of the pair at the days' ends",
    "no_pair": "nothing was traded",
    "days_left_out": "days without a value on every side are left out",
    "benchmark_gaps": "the benchmark has gaps: days after them are left out as well",
    "other_calendar": "the benchmark has no weekends: its Mondays are left out as well",
    "no_up_days": "the benchmark never gained",
    "no_down_days": "the benchmark never lost",
    "no_peers": "nothing to compare with",
    "few_peers": "few peers",
    "few_bots": "fewer than two bots that moved",
    "few_days_for_weights": "fewer than sixty days in common",
    "no_positive_mean": "no mix has a positive expected return",
    "solver_failed": "the optimiser found no answer",
    "periods_overlap": "the periods share days",
    "no_days": "no day of the data is in it",
    "marked_at_last_fill": "marked at its last fill",
    "fee_unconverted": "a fee token has no rate",
    "fee_unknown": "fees are missing",
    "fills_missing": "orders completed whose fills are not there",
    "fills_quarantined": "fills were kept out",
    "no_executors": "the data has no executors",
    "no_position_rows": "the bot stored no positions",
    "fee_tokens_lost": "fee coins are not recorded",
    "asset_not_traded": "this asset was not traded",
    "outside_the_filter": "the filter leaves nothing of it",
    "no_sample": "it was never known",
    "several_quotes": "several quote currencies",
    "their_error": "their own version fails on this data",
    "same_instant": "several fills at the last instant",
    "funding_unavailable": "funding is not recorded",
    "funding_not_covered": "this exchange's funding is not recorded",
}


def reason_text(code: str) -> str:
    """A reason code in words.

    >>> reason_text("n_lt_2")
    'needs at least two values'
    """
    return REASONS.get(code, code.replace("_", " "))


@dataclass(frozen=True, slots=True)
class Result:
    """A metric's value with unit, status, reasons and how it was computed.

    `value` is None exactly when `status` is ``undefined`` or ``unavailable``.
    `coverage` is the share of the input that could be used (1 = all of it).
    """

    key: str
    value: float | None
    unit: Unit
    status: Status = Status.OK
    reasons: tuple[str, ...] = ()
    n: int = 0
    n_used: int = 0
    coverage: float | None = None
    method: str = ""
    params: Mapping[str, object] = field(default_factory=dict)
    currency: str | None = None
