"""What can be watched: every quantity with its unit, how far it looks back, and what it means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fillbook.units import Unit

_MINUTES, _HOUR, _DAY = 600.0, 3_600.0, 86_400.0


@dataclass(frozen=True, slots=True)
class LimitKind:
    """One quantity that can have a limit; more of it is always worse.

    Parameters
    ----------
    label, unit
        Name, and what it counts.
    meaning
        One sentence for someone who has not read the definitions.
    window_s
        Seconds it looks back where nothing else is said; None where it looks at a moment.
    stale_after_s
        Seconds without a sample after which its state is not known.
    needs_asset, needs_capital
        Whether it is of one asset, and whether it exists without declared capital.
    """

    label: str
    unit: Unit
    meaning: str
    window_s: float | None = None
    stale_after_s: float = _MINUTES
    needs_asset: bool = False
    needs_capital: bool = False


KINDS: Mapping[str, LimitKind] = {
    "gross_exposure": LimitKind(
        "Gross exposure", Unit.MONEY, "Value of everything held, long and short added up."
    ),
    "net_exposure": LimitKind(
        "Net exposure", Unit.MONEY, "Value of what is held long less what is held short, without its sign."
    ),
    "inventory": LimitKind(
        "Inventory", Unit.BASE, "Coins of one asset held over all exchanges, long or short.", needs_asset=True
    ),
    "leverage": LimitKind(
        "Leverage", Unit.RATIO, "Gross exposure over equity, which is capital plus net PnL.",
        needs_capital=True,
    ),
    "margin_ratio": LimitKind(
        "Margin ratio", Unit.FRACTION, "Margin that open perpetual positions tie up, as a share of equity.",
        needs_capital=True,
    ),
    "daily_loss": LimitKind(
        "Daily loss", Unit.MONEY, "What was lost since 00:00 UTC, open positions at their price; gains count "
        "below 0.",
    ),
    "drawdown": LimitKind(
        "Drawdown", Unit.MONEY, "Fall of net PnL from its highest point so far."
    ),
    "drawdown_fraction": LimitKind(
        "Drawdown of equity", Unit.FRACTION, "Fall of equity from its highest point so far, as a share of "
        "that.",
        needs_capital=True,
    ),
    "var": LimitKind(
        "Value at risk", Unit.MONEY, "Loss of a day that only the worst few in a hundred of the past days "
        "exceeded.", window_s=250 * _DAY, stale_after_s=2 * _DAY,
    ),
    "concentration": LimitKind(
        "Concentration", Unit.FRACTION, "Sum of the squared shares of each asset in gross exposure: 1 when "
        "everything is in one.",
    ),
    "order_rate": LimitKind(
        "Order rate", Unit.COUNT, "Orders created in the time it looks back.", window_s=60.0
    ),
    "cancel_ratio": LimitKind(
        "Cancel ratio", Unit.FRACTION, "Share of the orders ended in the time it looks back that were "
        "cancelled.", window_s=_HOUR, stale_after_s=_HOUR,
    ),
    "slippage": LimitKind(
        "Slippage", Unit.BPS, "How much worse than the mid at their creation orders filled, on average by "
        "value, in the time it looks back.", window_s=_HOUR, stale_after_s=_HOUR,
    ),
    "adverse_selection": LimitKind(
        "Adverse selection", Unit.BPS, "How far the price moved against the fills in the minute after them, "
        "on average by value, in the time it looks back.", window_s=_HOUR, stale_after_s=_HOUR,
    ),
    "funding_rate": LimitKind(
        "Funding rate paid", Unit.FRACTION, "Rate of each funding payment, above 0 where the position paid "
        "it.",
        stale_after_s=_DAY,
    ),
    "data_age": LimitKind(
        "Age of the data", Unit.SECONDS, "Seconds since the bot last wrote a fill, an order event, a payment "
        "or a quote.",
    ),
    "unreconciled": LimitKind(
        "Unreconciled quantity", Unit.MONEY, "Value of what orders completed and no fill accounts for."
    ),
}  # fmt: skip
