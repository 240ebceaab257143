"""Others' figures: theirs beside ours, and every cause of the difference."""

from __future__ import annotations

import polars as pl
import streamlit as st

from fillbook.analysis.peer import Peer
from fillbook.analysis.reconcile import Reconciliation
from fillbook.errors import FillbookError
from fillbook.figures.peers import causes_figure
from fillbook.results import Status, reason_text
from fillbook.units import Unit, format_value, least_shown
from fillbook.web import st_utils, state


def show() -> None:
    """What the bot and the tools around it say of the same fills."""
    held = st_utils.opened("Others' figures")
    if held is None:
        return
    try:
        answer = state.reconciled(held)
        overview = state.answer(held, state.choice())
    except FillbookError as error:
        st_utils.failed(error)
        return
    st.caption(st_utils.plain(st_utils.scope(overview)))
    st_utils.trust(state.checks(held), overview.findings)
    st.subheader(st_utils.plain(answer.headline), anchor=False)
    st.caption(
        "What Hummingbot, its dashboard and its API say of the same fills, beside net PnL as it is here, and "
        "why they differ."
    )
    _peers(answer)
    known = [peer for peer in answer.peers if peer.theirs is not None]
    if not known:
        st_utils.empty(
            "Nothing in this view can be set beside our figures.",
            "Widen the filter, or open a bot's database.",
        )
        return
    names = {peer.key: peer.label for peer in known}
    chosen = st.segmented_control(
        "Whose figure", list(names), default=known[0].key, required=True, format_func=names.__getitem__,
        key="peer", help="What the difference to ours is made of, below.",
    )  # fmt: skip
    peer = next((one for one in known if one.key == chosen), known[0])
    _peer(peer)
    st.caption(
        "How it is reckoned: their arithmetic is redone from the same rows. From our figure on, one thing "
        "at a time is done as they do it, always in the same order; what that changes is the amount of the "
        "cause. So the causes add up to the difference, and what none of them explains is shown as such."
    )


def _peers(answer: Reconciliation) -> None:
    """A row a peer."""
    rows = pl.DataFrame(
        [
            (
                peer.label, _money(peer.theirs, peer), _money(peer.ours, peer), _money(peer.difference, peer),
                _verdict(peer), peer.about,
            )
            for peer in answer.peers
        ],
        schema=["peer", "theirs", "ours", "difference", "verdict", "about"], orient="row",
    )  # fmt: skip
    text = st.column_config.TextColumn
    st_utils.rows(
        rows,
        {
            "peer": text("Figure", width="medium"),
            "theirs": text("Theirs", width="small", alignment="right"),
            "ours": text("Ours", width="small", alignment="right"),
            "difference": text("Difference", width="small", alignment="right"),
            "verdict": text("Difference is", width="medium"), "about": text("Where it is met", width="large"),
        },
        alt="Net PnL as others have it, beside ours",
    )  # fmt: skip


def _verdict(peer: Peer) -> str:
    """What the difference comes to, or why there is none, in words."""
    if peer.status is Status.UNAVAILABLE:
        return reason_text(peer.reason)
    if abs(peer.difference or 0.0) < least_shown(peer.currency):
        return "the same"
    return "explained" if peer.is_explained else "not all explained"


def _money(value: float | None, peer: Peer) -> str:
    return format_value(value, Unit.MONEY, currency=peer.currency, signed=True)


def _peer(peer: Peer) -> None:
    """One peer: the way from ours to theirs, the causes in words, its parts and other figures."""
    currency = peer.currency or ""
    st.markdown(st_utils.plain(f"{peer.about} {_sentence(peer)}"))
    if peer.note:
        st.info(st_utils.plain(f"{peer.note[0].upper()}{peer.note[1:]}."), icon=":material/info:")
    if peer.causes.height and peer.ours is not None and peer.theirs is not None:
        drawn = causes_figure(
            peer.causes, state.look(), ours=peer.ours, theirs=peer.theirs, rest=peer.rest or 0.0,
            currency=currency, peer=peer.label,
        )  # fmt: skip
        st_utils.explained("causes_figure", drawn, name=peer.key)
        _causes(peer)
    if not peer.is_explained and peer.rest is not None and abs(peer.rest) >= least_shown(peer.currency):
        st.warning(
            st_utils.plain(
                f"{_money(peer.rest, peer)} {currency} is not explained. It would need {peer.lack}."
            ),
            icon=":material/warning:",
        )
    _details(peer)


def _sentence(peer: Peer) -> str:
    """The largest cause, in words."""
    if peer.causes.is_empty() or peer.difference is None:
        return "It agrees with ours."
    largest = peer.causes.sort(pl.col("amount").abs(), descending=True).row(0, named=True)
    way = "higher" if peer.difference > 0.0 else "lower"
    gap = format_value(abs(peer.difference), Unit.MONEY, currency=peer.currency)
    why = str(largest["label"]).lower()
    return f"Here it is {gap} {peer.currency} {way} than ours, most of all because of: {why}."


def _causes(peer: Peer) -> None:
    """Every cause with its amount, and beside them a sentence each."""
    rest = peer.rest if peer.rest is not None and abs(peer.rest) >= least_shown(peer.currency) else 0.0
    table = pl.concat([
        peer.causes.select("label", "amount", "n"),
        pl.DataFrame({"label": ["Not explained"], "amount": [rest], "n": [None]},
                     schema_overrides={"n": pl.Int64, "amount": pl.Float64}),
    ])  # fmt: skip
    left, right = st.columns([5, 6], gap="medium")
    with left:
        st_utils.rows(
            table,
            {
                "label": st.column_config.TextColumn("Cause", width="medium"),
                "amount": st_utils.money(peer.currency or "Amount", peer.currency, help="Theirs less ours."),
                "n": st.column_config.NumberColumn(
                    "Rows", format="localized", width="small", help="Fills, orders or payments it concerns."
                ),
            },
            alt=f"Causes of the difference of {peer.label}", height="content",
        )  # fmt: skip
    with right:
        for row in peer.causes.iter_rows(named=True):
            st.markdown(f"**{st_utils.plain(row['label'])}.** {st_utils.plain(row['meaning'])}")


def _details(peer: Peer) -> None:
    """Parts of the peer's figure, and the other figures it gives."""
    if peer.parts.height > 1:
        with st.expander(f"Part by part ({peer.parts.height})"):
            st_utils.rows(
                peer.parts,
                {
                    "part": st.column_config.TextColumn("Part", width="large"), "currency": "Currency",
                    **{
                        name: st.column_config.NumberColumn(label, format="%+,.4f")
                        for name, label in (
                            ("theirs", "Theirs"), ("ours", "Ours"), ("difference", "Difference"),
                            ("rest", "Not explained"),
                        )
                    },
                },
                alt=f"Parts of {peer.label}",
            )  # fmt: skip
    if peer.figures.height:
        with st.expander("Its other figures, redone"):
            st.caption(
                "Under the names the tool itself uses, and as it reckons them, right or wrong. A dash is a "
                "figure that needs what this data does not hold, such as balances."
            )
            st_utils.rows(
                peer.figures,
                {
                    "part": st.column_config.TextColumn("Part", width="medium"),
                    "figure": st.column_config.TextColumn("Figure", width="medium"),
                    "value": st.column_config.NumberColumn("Value", format="%.8g"),
                },
                alt=f"Other figures of {peer.label}", height=320,
            )  # fmt: skip
