"""The table of drawdowns, as every page that has them shows it."""

from __future__ import annotations

import polars as pl
import streamlit as st

from fillbook.web import narrowing, st_utils

_LISTED = 20


def show(drawdowns: pl.DataFrame, currency: str, *, key: str, note: str = "") -> None:
    """The deepest drawdowns; a chosen row narrows the page to its days.

    Parameters
    ----------
    drawdowns
        Table of an answer, the deepest first.
    currency
        Of the depths.
    key
        Of the table on its page.
    note
        A further sentence below it.
    """
    if drawdowns.is_empty():
        st_utils.empty("There was no drawdown.", "The curve never fell below its highest point.")
        return
    number = st.column_config.NumberColumn
    listed = drawdowns.head(_LISTED).with_columns(
        length_d=pl.col("length_s") / 86_400, to_valley_d=pl.col("to_valley_s") / 86_400
    )
    st_utils.rows(
        listed,
        {
            "depth": st_utils.money(f"Depth, {currency}", currency, signed=False),
            "depth_fraction": number("Of the peak", format="percent", help="Needs declared capital."),
            "peak_at": st_utils.moment("Peak"), "valley_at": st_utils.moment("Valley"),
            "recovery_at": st_utils.moment("Made good"),
            "to_valley_d": number("To the valley, days", format="%.1f"),
            "length_d": number("Whole length, days", format="%.1f"),
        },
        alt="Drawdowns, the deepest first", key=key,
        pick=lambda chosen: narrowing.to_days(
            chosen[0]["peak_at"].date(), (chosen[0]["recovery_at"] or chosen[0]["valley_at"]).date()
        ),
    )  # fmt: skip
    more = drawdowns.height - _LISTED
    smaller = f"{more:,} smaller ones are in the export." if more > 0 else ""
    st.caption(
        " ".join(sentence for sentence in ("Choose a row to see its days.", note, smaller) if sentence)
    )
