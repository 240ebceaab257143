"""What booking itself notices."""

from __future__ import annotations

import polars as pl

from fillbook.findings import MAX_LISTED_ROWS, Finding, Severity
from fillbook.ledger.fees import METHODS, Fees


def fee_findings(fees: Fees, fills: pl.DataFrame) -> list[Finding]:
    """Fees without a rate, and recorded fees that differ from converted ones."""
    findings = []
    lost = pl.Series(fees.method == METHODS.index("unconverted"))
    if lost.any():
        rows = fills.filter(lost)
        tokens = ", ".join(f"{amount:.8g} {token}" for token, amount in fees.unconverted.items())
        findings.append(Finding(
            "fills", "fee_unconverted", Severity.ERROR,
            f"fees of {rows.height} fills have no known rate" + (f" ({tokens})" if tokens else ""),
            n_rows=rows.height, rows=tuple(rows["row"].head(MAX_LISTED_ROWS)),
            effect="net PnL leaves them out and is partial",
            remedy="add candles of the fee token, or give its price with --mark TOKEN-QUOTE=PRICE",
        ))  # fmt: skip
    differ = pl.Series(fees.disagrees)
    if differ.any():
        rows = fills.filter(differ)
        findings.append(Finding(
            "fills", "recorded_fee_disagrees", Severity.WARNING,
            f"{rows.height} recorded fees in quote differ by more than 1 % from the fee converted",
            n_rows=rows.height, rows=tuple(rows["row"].head(MAX_LISTED_ROWS)),
            effect="the converted fee is booked",
        ))  # fmt: skip
    return findings


def funding_gaps(books: pl.DataFrame) -> list[Finding]:
    """Perpetuals whose funding is missing or cannot be trusted."""
    texts = {
        "funding_unavailable": "held positions over funding times, and the bot recorded no payment",
        "funding_not_covered": "records funding in a unit that cannot be trusted; it is left out",
    }
    findings = []
    for reason, text in texts.items():
        rows = books.filter(pl.col("reasons").list.contains(reason))
        held = rows.select("bot", "connector", "pair").unique(maintain_order=True)
        for bot, connector, pair in held.iter_rows():
            findings.append(Finding(
                "funding", reason, Severity.WARNING, f"{bot}: {pair} on {connector} {text}",
                effect="net PnL is without funding and partial",
                remedy="add the funding statement of the exchange",
            ))  # fmt: skip
    return findings
