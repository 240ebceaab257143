"""What a reader of an attribution must know: each with a number, an effect and a way on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import polars as pl

from fillbook.analysis.attribution_facts import MarketFacts
from fillbook.analysis.attribution_parts import FillParts
from fillbook.analysis.attribution_rows import ENOUGH_DAYS
from fillbook.analysis.attribution_tags import days_in
from fillbook.analysis.mids import KINDS
from fillbook.analysis.view import View
from fillbook.findings import Finding, Severity
from fillbook.results import Result
from fillbook.units import counted

_OWN = KINDS.index("own_quotes")


def attribution_findings(
    view: View, facts: MarketFacts, parts: FillParts, metrics: Mapping[str, Result]
) -> list[Finding]:
    """Findings of the fills of a view, none where it has none."""
    if not parts.has_mid.size:
        return []
    return [*_of_mids(view, facts, parts, metrics), *_of_time(view, facts), *_of_funding(view, parts)]


def _of_mids(
    view: View, facts: MarketFacts, parts: FillParts, metrics: Mapping[str, Result]
) -> Iterator[Finding]:
    """How much of the value has a mid, and whose."""
    n = int((~parts.has_mid).sum())
    if n:
        is_split = metrics["spread_pnl"].value is not None
        yield Finding(
            "quotes", "fills_without_mid", Severity.INFO if is_split else Severity.WARNING,
            f"{counted(n, 'fill')} of {parts.has_mid.size:,} have no mid at most "
            f"{view.conventions.max_quote_age_s:g} s before them",
            n_rows=n,
            effect="they enter the inventory at the next known mid; from their price to there is unattributed"
            if is_split else "mids cover less than half of the value: gross PnL is not split",
            remedy="open a quote file of the market beside the bot's database, or allow older quotes",
        )  # fmt: skip
    own = int((facts.mid_kind[view.ledger.rows] == _OWN).sum())
    if own:
        yield Finding(
            "quotes", "own_quote_mids", Severity.INFO,
            f"the mid before {counted(own, 'fill')} is that of the bot's own quotes",
            n_rows=own, effect="the spread of these fills is what the bot asked for",
            remedy="open a quote file of the market beside the bot's database",
        )  # fmt: skip


def _of_time(view: View, facts: MarketFacts) -> Iterator[Finding]:
    """Too few days for a time of day, and fills whose market nobody recorded."""
    days = days_in(view.ledger.flow.at)
    if days < ENOUGH_DAYS:
        yield Finding(
            "fills", "few_days", Severity.INFO,
            f"the fills are of {counted(days, 'day')}: below {ENOUGH_DAYS}, hours and regimes say little",
            n_rows=days, effect="their rows may be chance",
        )  # fmt: skip
    n = int((facts.regimes["volatility"][view.ledger.rows] < 0).sum())
    if n:
        yield Finding(
            "candles", "regime_unknown", Severity.INFO,
            f"the volatility of the market is not known at {counted(n, 'fill')}: it takes 24 candles in a "
            "row and 100 of the 30 days before",
            n_rows=n, effect="they stand under unknown",
            remedy="open a file of candles that begins a month before the bot",
        )  # fmt: skip


def _of_funding(view: View, parts: FillParts) -> Iterator[Finding]:
    """Payments to books that held nothing."""
    if parts.funding_left.any():
        n = view.ledger.funding.filter(pl.col("is_trusted") & pl.col("is_without_position")).height
        yield Finding(
            "funding", "funding_unallocated", Severity.INFO,
            f"{counted(n, 'funding payment')} came while no position was held", n_rows=n,
            effect="it stands under unallocated, but for bots, exchanges and pairs, which it names itself",
        )  # fmt: skip
