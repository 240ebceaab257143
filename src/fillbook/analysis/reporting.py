"""Several quote currencies as one, where rates are known (DEFINITIONS A13)."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from fillbook.arrays import Floats, Ints
from fillbook.errors import BadRequestError
from fillbook.findings import Finding, Severity
from fillbook.ledger.book import Ledger
from fillbook.ledger.equity import exchange_rates
from fillbook.results import Undefined


@dataclass(frozen=True, slots=True)
class Reporting:
    """The reporting currency of a view and how its books get there.

    `currency` is None when no rate joins the quote currencies, or nothing was traded; `lack` says
    which of them. `at_end` is the value of one unit of
    each book's quote at the end of the period, shape (n_books,).
    """

    ledger: Ledger
    currency: str | None
    at_end: Floats
    findings: tuple[Finding, ...] = ()
    lack: Undefined = field(default_factory=lambda: Undefined.unavailable("no_rate"))

    def rates(self, when: Ints) -> Floats:
        """Value of one unit of each book's quote at each time, shape (n_books, n_times)."""
        quotes = self.ledger.books["quote"].to_list()
        if self.currency is None:
            return np.full((len(quotes), when.size), np.nan)
        names = list(dict.fromkeys(quotes))
        table = exchange_rates(self.ledger, names, self.currency, when)
        return np.asarray(table[[names.index(quote) for quote in quotes]]).reshape(len(quotes), when.size)


def reporting_of(ledger: Ledger) -> Reporting:
    """Reporting currency: as asked, else the only quote, else the most traded one all convert to.

    Raises
    ------
    BadRequestError
        A currency was asked for that a quote currency has no rate to.
    """
    counts: dict[str, int] = {}
    for row in ledger.books.iter_rows(named=True):
        counts[row["quote"]] = counts.get(row["quote"], 0) + row["n_fills"]
    quotes = sorted(counts, key=lambda quote: -counts[quote])
    if not quotes:
        return Reporting(ledger, None, np.zeros(0), lack=Undefined("empty"))
    asked = ledger.conventions.currency
    for currency in [asked] if asked else quotes:
        rates = exchange_rates(ledger, quotes, currency, np.array([ledger.end_us]))[:, 0]
        if not np.isnan(rates).any():
            by_quote = dict(zip(quotes, rates, strict=True))
            at_end = np.array([by_quote[quote] for quote in ledger.books["quote"]])
            return Reporting(ledger, currency, at_end, _stated(by_quote, currency))
        if asked:
            lost = ", ".join(q for q, r in zip(quotes, rates, strict=True) if np.isnan(r))
            message = (
                f"no rate from {lost} to {currency} is known: give one "
                f"(--mark {lost.split(',', 1)[0]}-{currency}=PRICE) or add candles of the pair"
            )
            raise BadRequestError(message)
    return Reporting(ledger, None, np.full(ledger.books.height, np.nan), (Finding(
        "ledger", "no_common_currency", Severity.ERROR,
        f"no rate joins the quote currencies {', '.join(quotes)}",
        effect="there is no total in money; each book stands in its own quote",
        remedy="add candles of a joining pair, or give a rate with --mark A-B=PRICE",
    ),))  # fmt: skip


def _stated(by_quote: dict[str, float], currency: str) -> tuple[Finding, ...]:
    """Which rates at the end a total over several currencies used."""
    others = {quote: rate for quote, rate in by_quote.items() if quote != currency}
    if not others:
        return ()
    used = ", ".join(f"1 {quote} = {rate:,.8g} {currency}" for quote, rate in others.items())
    return (Finding(
        "ledger", "converted_currencies", Severity.INFO, f"totals are in {currency}: {used} at the end",
        effect="they contain the exchange result on accumulated PnL",
    ),)  # fmt: skip
