"""Money made: the parts of net PnL, and what round trips won and lost (DEFINITIONS A8, E3)."""

from __future__ import annotations

import math

import numpy as np

from fillbook.arrays import Bools, Floats
from fillbook.ledger.sums import total
from fillbook.metrics.registry import metric
from fillbook.metrics.returns import deviation, mean
from fillbook.results import Undefined
from fillbook.units import Unit

_FLAT_SHARE = 1e-12  # of the notional: a trip within this of zero neither won nor lost
_SQN_CAP = 100


@metric(
    label="Net PnL", group="profitability", unit=Unit.MONEY, better="higher",
    formula=r"R + U - F + \Phi = C + XP - F + \Phi", source="DEFINITIONS A8",
    undefined="no_mid when an open position has no price; no_rate across currencies",
)  # fmt: skip
def net_pnl(book_net: Floats) -> float:
    """Realised plus unrealised PnL, less fees, plus funding: what is left."""
    return total(book_net)


@metric(
    label="Realised PnL",
    group="profitability",
    unit=Unit.MONEY,
    better="higher",
    formula=r"\sum \operatorname{sign}(X)\,c\,(p-A)",
    source="IAS 2, weighted average cost; DEFINITIONS A3, A4",
    undefined="no_rate across currencies",
)
def realized_pnl(book_realized: Floats) -> float:
    """PnL of what was closed, before fees, by the cost method chosen."""
    return total(book_realized)


@metric(
    label="Unrealised PnL", group="profitability", unit=Unit.MONEY, better="higher",
    formula=r"X\,(P-A)", source="DEFINITIONS A3, A8", undefined="no_mid when an open position has no price",
)  # fmt: skip
def unrealized_pnl(book_unrealized: Floats) -> float:
    """PnL of what is still held, at the mark, before fees."""
    return total(book_unrealized)


@metric(
    label="Fees", group="profitability", unit=Unit.MONEY, better="lower",
    formula=r"\sum\max(f,0)-\sum\max(-f,0)", source="DEFINITIONS A2", undefined="no_rate across currencies",
)  # fmt: skip
def fees(book_fees_paid: Floats, book_rebates: Floats) -> float:
    """Fees paid less rebates received, each at the rate of its own fill."""
    return total(book_fees_paid) - total(book_rebates)


@metric(
    label="Rebates", group="profitability", unit=Unit.MONEY, better="higher",
    formula=r"\sum\max(-f,0)", source="DEFINITIONS A2", undefined="no_rate across currencies",
)  # fmt: skip
def rebates(book_rebates: Floats) -> float:
    """Negative fees: what exchanges paid for making liquidity."""
    return total(book_rebates)


@metric(
    label="Funding", group="profitability", unit=Unit.MONEY, better="higher",
    formula=r"\Phi=\sum \text{payments}", source="DEFINITIONS A7",
    undefined="funding_unavailable when positions were held over funding times and nothing was recorded",
)  # fmt: skip
def funding(book_funding: Floats) -> float:
    """Funding of perpetuals: received positive, paid negative."""
    return total(book_funding)


@metric(
    label="Fee tokens revalued", group="profitability", unit=Unit.MONEY, better="neither",
    formula=r"\sum a\,(r_{\text{fill}}-r_{\text{end}})", source="DEFINITIONS A2, A12",
    undefined="no_rate when a fee token has no price at the end",
)  # fmt: skip
def fee_tokens_revalued(book_revalued: Floats) -> float:
    """What fee tokens lost in value since paid: net at the end's rates less net at each fill's."""
    return total(book_revalued)


def _won_and_lost(pnl: Floats, notional: Floats) -> tuple[Floats, Floats]:
    """PnL of winners and of losers; flat ones are neither."""
    flat = np.abs(pnl) <= _FLAT_SHARE * notional
    return pnl[(pnl > 0.0) & ~flat], pnl[(pnl < 0.0) & ~flat]


@metric(
    label="Profit factor", group="profitability", unit=Unit.RATIO, better="higher",
    formula=r"\sum_{p>0} p \,/\, |\sum_{p<0} p|", source="Van Tharp (1998); closed round trips, net",
    undefined="no_trades when nothing was closed; no_losses when nothing was lost",
)  # fmt: skip
def profit_factor(trip_pnl: Floats, trip_notional: Floats) -> float:
    """Won by winning round trips for each unit lost by losing ones, after fees."""
    if trip_pnl.size == 0:
        return Undefined("no_trades")
    won, lost = _won_and_lost(trip_pnl, trip_notional)
    return total(won) / -total(lost) if lost.size else Undefined("no_losses")


@metric(
    label="Average trade PnL",
    group="profitability",
    unit=Unit.MONEY,
    better="higher",
    formula=r"\frac{1}{n}\sum p",
    source="closed round trips, net",
    undefined="no_trades when nothing was closed",
)
def average_trade_pnl(trip_pnl: Floats) -> float:
    """Mean net PnL of a closed round trip."""
    return total(trip_pnl) / trip_pnl.size if trip_pnl.size else Undefined("no_trades")


@metric(
    label="Win rate", group="profitability", unit=Unit.FRACTION, better="higher",
    formula=r"\#\{p>0\}/n", source="closed round trips, net; flat ones stay in n",
    undefined="no_trades when nothing was closed",
)  # fmt: skip
def win_rate(trip_pnl: Floats, trip_notional: Floats) -> float:
    """Share of closed round trips that won after fees."""
    if trip_pnl.size == 0:
        return Undefined("no_trades")
    return _won_and_lost(trip_pnl, trip_notional)[0].size / trip_pnl.size


@metric(
    label="Payoff ratio", group="profitability", unit=Unit.RATIO, better="higher",
    formula=r"\bar p_{>0} / |\bar p_{<0}|", source="Van Tharp (1998)",
    undefined="no_trades when nothing was closed; no_wins; no_losses",
)  # fmt: skip
def payoff_ratio(trip_pnl: Floats, trip_notional: Floats) -> float:
    """Mean winner over mean loser."""
    if trip_pnl.size == 0:
        return Undefined("no_trades")
    won, lost = _won_and_lost(trip_pnl, trip_notional)
    if not lost.size or not won.size:
        return Undefined("no_losses" if won.size or not lost.size else "no_wins")
    return (total(won) / won.size) / (-total(lost) / lost.size)


@metric(
    label="Expectancy",
    group="profitability",
    unit=Unit.MONEY,
    better="higher",
    formula=r"w\,\bar p_{>0} - (1-w)\,|\bar p_{<0}| = \bar p",
    source="Van Tharp (1998); the same as the average trade",
    undefined="no_trades when nothing was closed",
)
def expectancy(trip_pnl: Floats) -> float:
    """What one more round trip is worth on average, after fees."""
    return average_trade_pnl(trip_pnl)


@metric(
    label="Expectancy ratio", group="profitability", unit=Unit.RATIO, better="higher",
    formula=r"\bar p / |\bar p_{<0}|", source="Van Tharp (1998), in units of the mean loss",
    undefined="no_trades when nothing was closed; no_losses when nothing was lost",
)  # fmt: skip
def expectancy_ratio(trip_pnl: Floats, trip_notional: Floats) -> float:
    """Mean net PnL of a round trip in units of the mean loss."""
    if trip_pnl.size == 0:
        return Undefined("no_trades")
    lost = _won_and_lost(trip_pnl, trip_notional)[1]
    return average_trade_pnl(trip_pnl) / (-total(lost) / lost.size) if lost.size else Undefined("no_losses")


@metric(
    label="Best trade", group="profitability", unit=Unit.MONEY, better="higher",
    formula=r"\max p", source="closed round trips, net", undefined="no_trades when nothing was closed",
)  # fmt: skip
def best_trade(trip_pnl: Floats) -> float:
    """Largest net PnL of a closed round trip."""
    return float(trip_pnl.max()) if trip_pnl.size else Undefined("no_trades")


@metric(
    label="Worst trade", group="profitability", unit=Unit.MONEY, better="higher",
    formula=r"\min p", source="closed round trips, net", undefined="no_trades when nothing was closed",
)  # fmt: skip
def worst_trade(trip_pnl: Floats) -> float:
    """Smallest net PnL of a closed round trip."""
    return float(trip_pnl.min()) if trip_pnl.size else Undefined("no_trades")


def _longest_run(hit: Bools, flat: Bools) -> int:
    """Longest run of hits; flat ones are left out and break nothing."""
    kept = hit[~flat]
    misses = np.flatnonzero(np.concatenate([[True], ~kept, [True]]))
    return int(np.diff(misses).max() - 1) if kept.size else 0


@metric(
    label="Longest winning streak", group="profitability", unit=Unit.COUNT, better="higher",
    formula="longest run of p > 0", source="closed round trips by exit; flat ones break no streak",
    undefined="no_trades when nothing was closed",
)  # fmt: skip
def longest_winning_streak(trip_pnl: Floats, trip_notional: Floats) -> float:
    """Most round trips won in a row."""
    if trip_pnl.size == 0:
        return Undefined("no_trades")
    return float(_longest_run(trip_pnl > 0.0, np.abs(trip_pnl) <= _FLAT_SHARE * trip_notional))


@metric(
    label="Longest losing streak", group="profitability", unit=Unit.COUNT, better="lower",
    formula="longest run of p < 0", source="closed round trips by exit; flat ones break no streak",
    undefined="no_trades when nothing was closed",
)  # fmt: skip
def longest_losing_streak(trip_pnl: Floats, trip_notional: Floats) -> float:
    """Most round trips lost in a row."""
    if trip_pnl.size == 0:
        return Undefined("no_trades")
    return float(_longest_run(trip_pnl < 0.0, np.abs(trip_pnl) <= _FLAT_SHARE * trip_notional))


@metric(
    label="Kelly fraction", group="profitability", unit=Unit.FRACTION, better="neither",
    formula=r"w - (1-w)/\text{payoff}", source="Kelly (1956), binary form",
    undefined="no_trades; no_wins; no_losses",
)  # fmt: skip
def kelly_fraction(trip_pnl: Floats, trip_notional: Floats) -> float:
    """Share of capital a binary bet of these odds would risk: raw, may be negative, no advice."""
    payoff = payoff_ratio(trip_pnl, trip_notional)
    if math.isnan(payoff):
        return payoff
    rate = win_rate(trip_pnl, trip_notional)
    return rate - (1.0 - rate) / payoff


@metric(
    label="System quality number", group="profitability", unit=Unit.RATIO, better="higher",
    formula=r"\sqrt{\min(n,100)}\,\bar p / s(p)", source="Van Tharp (1998), on net PnL",
    undefined="no_trades; n_lt_2; zero_variance",
)  # fmt: skip
def sqn(trip_pnl: Floats) -> float:
    """Mean over deviation of round-trip PnL, times the root of their number (at most 100)."""
    if trip_pnl.size == 0:
        return Undefined("no_trades")
    spread = deviation(trip_pnl)
    if math.isnan(spread):
        return spread
    if spread == 0.0:
        return Undefined("zero_variance")
    return math.sqrt(min(trip_pnl.size, _SQN_CAP)) * mean(trip_pnl) / spread
