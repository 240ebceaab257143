"""What the session remembers, and answers that are computed once for all sessions.

The session holds exactly the keys of `KEYS`. No table is ever hashed: data is known by the stamp of
its files, an answer by the data's fingerprint and findings, the filter and the conventions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypedDict
from zoneinfo import ZoneInfo

import streamlit as st

from fillbook.analysis.allocation import Allocation, allocate
from fillbook.analysis.attribution import Attribution, attribution
from fillbook.analysis.compare import Comparison, compare
from fillbook.analysis.execution import Execution, execution
from fillbook.analysis.limit_file import EXAMPLE, read_limits
from fillbook.analysis.limits import Limits, limits
from fillbook.analysis.overview import Overview, overview
from fillbook.analysis.parts import Parts, Tag, parts
from fillbook.analysis.peers import PEER_COLUMNS, PEERS_SCHEMA
from fillbook.analysis.periods import accrued, before
from fillbook.analysis.reconcile import Reconciliation, reconcile
from fillbook.analysis.risk import Risk, risk
from fillbook.analysis.sides import By
from fillbook.conventions import Conventions, RiskConventions
from fillbook.figures.bars import Period
from fillbook.figures.look import LOOKS, Look
from fillbook.filters import Filter
from fillbook.ledger.invariants import Check
from fillbook.performance_data_source import PerformanceDataSource
from fillbook.results import Result
from fillbook.sources.base import scheme_of
from fillbook.sources.credentials import linkable
from fillbook.sources.peer_files import peers_of
from fillbook.sources.return_files import returns_of

SOURCE, DATA, CHOICE = "selected_checkpoint", "performance_data", "filter_params"
CHARTS, EXPORT = "chart_settings", "export_config"
LINKED = "data"  # sources in the address
KEYS = (SOURCE, DATA, CHOICE, CHARTS, EXPORT)


@dataclass(frozen=True, slots=True)
class Choice:
    """Which rows count, and how they are booked."""

    chosen: Filter = field(default_factory=Filter)
    conventions: Conventions = field(default_factory=Conventions)


Parted = Literal["bot", "controller", "pair", "config"]


@dataclass(frozen=True, slots=True)
class Sides:
    """What is compared: the parts of what is shown, one of them or a benchmark, capital, and files.

    Parameters
    ----------
    by
        What tells the sides apart; None takes all as one side.
    reference, benchmarks
        Side, or benchmarks, to measure against.
    capital
        Of each side; None where none is given.
    returns, peers
        Name and content of uploaded files.
    """

    by: Parted | None
    reference: str | None = None
    benchmarks: tuple[str, ...] = ()
    capital: float | None = None
    returns: tuple[str, bytes] | None = None
    peers: tuple[str, bytes] | None = None


class ChartSettings(TypedDict):
    """How charts are drawn; filters before each step, the oldest first; what the files were; the limits."""

    period: Period
    zone: str
    steps: list[dict[str, Any]]
    stamp: tuple[tuple[str, int, int], ...] | None
    stands: dict[str, Any] | None
    is_moved: bool
    limits: str


class ExportConfig(TypedDict):
    """What the export section was last set to."""

    table: str
    format: Literal["csv", "json", "parquet", "xlsx"]


def start(uris: list[str]) -> None:
    """Give every key a value in a new session; a link may name other sources than the command did."""
    st.session_state.setdefault(SOURCE, _linked(uris) or tuple(uris))
    if st.session_state[SOURCE] != tuple(uris):
        st.query_params[LINKED] = [linkable(uri) for uri in st.session_state[SOURCE]]
    st.session_state.setdefault(DATA, None)
    st.session_state.setdefault(CHOICE, Choice())
    st.session_state.setdefault(
        CHARTS,
        ChartSettings(
            period="day", zone="UTC", steps=[], stamp=None, stands=None, is_moved=False, limits=EXAMPLE
        ),
    )  # fmt: skip
    st.session_state.setdefault(EXPORT, ExportConfig(table="fills", format="csv"))


def _linked(uris: list[str]) -> tuple[str, ...]:
    """Sources that the link names; of servers only those of the command, with its passwords.

    A link may come from anybody, and must not send a password to a host of his.
    """
    known = {linkable(uri): uri for uri in uris}
    links = st.query_params.get_all(LINKED)
    return tuple(known.get(link, link) for link in links if link in known or not scheme_of(link))


def data() -> PerformanceDataSource | None:
    """The opened data, if any."""
    held: PerformanceDataSource | None = st.session_state[DATA]
    return held


def sources() -> tuple[str, ...]:
    """Addresses of what is open, or to be opened."""
    chosen: tuple[str, ...] = st.session_state[SOURCE]
    return chosen


def choice() -> Choice:
    """Filter and conventions in force."""
    held: Choice = st.session_state[CHOICE]
    return held


def look() -> Look:
    """Colours of the theme the reader uses."""
    return LOOKS[st.context.theme.type or "light"]


def zone() -> ZoneInfo:
    """Zone in which times are shown."""
    settings: ChartSettings = st.session_state[CHARTS]
    return ZoneInfo(settings["zone"])


def key_of(held: PerformanceDataSource) -> str:
    """What tells data apart: its rows, where they lay, and what was found."""
    return repr((held.fingerprint, [file.uri for file in held.lineage.files], held.findings))


def answer(held: PerformanceDataSource, asked: Choice) -> Overview:
    """Overview of the data seen through the choice.

    Raises
    ------
    BadRequestError
        The choice asks for what the data does not hold.
    """
    return _answered(held, key_of(held), repr(asked), asked)


def checks(held: PerformanceDataSource) -> tuple[Check, ...]:
    """The book's checks of itself, on all of the data: a filter changes nothing about the trust."""
    return _checked(held, key_of(held), repr(choice().conventions), choice().conventions)


def parts_by(held: PerformanceDataSource, *by: Tag) -> Parts:
    """Parts of what is shown, by some of their tags."""
    return _parted(held, key_of(held), repr(choice()), by, choice())


def earlier(held: PerformanceDataSource, keys: tuple[str, ...]) -> Mapping[str, Result] | None:
    """Metrics of the equal period before the chosen one, where there is one."""
    return _before(held, key_of(held), repr(choice()), keys, choice())


def executed(held: PerformanceDataSource) -> Execution:
    """How the orders of what is shown were executed."""
    return _executed(held, key_of(held), repr(choice()), choice())


def attributed(held: PerformanceDataSource) -> Attribution:
    """Why what is shown earned or lost."""
    return _attributed(held, key_of(held), repr(choice()), choice())


def reconciled(held: PerformanceDataSource) -> Reconciliation:
    """What others say of what is shown."""
    return _reconciled(held, key_of(held), repr(choice()), choice())


def watched(held: PerformanceDataSource, text: str) -> Limits:
    """Limits of a TOML text over what is shown.

    Raises
    ------
    BadRequestError
        The text is no file of limits, or asks for what the data does not hold.
    """
    return _watched(held, key_of(held), repr(choice()), text, choice())


def risked(held: PerformanceDataSource, asked: RiskConventions) -> Risk:
    """What is shown could lose.

    Raises
    ------
    BadRequestError
        The choice asks for what the data does not hold.
    """
    return _risked(held, key_of(held), repr((choice(), asked)), choice(), asked)


def limits_text() -> str:
    """Limits as the reader last wrote them."""
    settings: ChartSettings = st.session_state[CHARTS]
    return settings["limits"]


def keep_limits(text: str) -> None:
    """Remember the limits while the reader looks at other pages."""
    settings: ChartSettings = st.session_state[CHARTS]
    settings["limits"] = text


def compared(held: PerformanceDataSource, sides: Sides) -> Comparison:
    """Sides of what is shown beside one another.

    Raises
    ------
    FillbookError
        A file cannot be read, or there is no such side.
    """
    return _compared(held, key_of(held), repr((choice(), sides)), choice(), sides)


def allocated(held: PerformanceDataSource, by: By, capital: float | None) -> Allocation:
    """How the capital of what is shown might be spread.

    Raises
    ------
    MissingExtraError
        skfolio is not installed.
    """
    return _allocated(held, key_of(held), repr((choice(), by, capital)), choice(), by, capital)


def carried(held: PerformanceDataSource) -> float | None:
    """Net PnL of the chosen period with what was held before it."""
    return _carried(held, key_of(held), repr(choice()), choice())


@st.cache_resource(max_entries=8, show_spinner="Reckoning as others do …", show_time=True)
def _reconciled(_data: PerformanceDataSource, fingerprint: str, name: str, _asked: Choice) -> Reconciliation:
    """The key is that of the data and the name of the choice."""
    del fingerprint, name
    return reconcile(_data, _asked.chosen, _asked.conventions)


@st.cache_resource(max_entries=8, show_spinner="Watching the limits …", show_time=True)
def _watched(_data: PerformanceDataSource, fingerprint: str, name: str, text: str, _asked: Choice) -> Limits:
    """The key is that of the data, the name of the choice, and the limits."""
    del fingerprint, name
    return limits(_data, read_limits(text), _asked.chosen, _asked.conventions)


@st.cache_resource(max_entries=64, show_spinner=False)
def _carried(_data: PerformanceDataSource, fingerprint: str, name: str, _asked: Choice) -> float | None:
    """The key is that of the data and the name of the choice."""
    del fingerprint, name
    return accrued(_data, answer(_data, _asked))


@st.cache_resource(max_entries=16, show_spinner="Booking every fill …", show_time=True)
def _answered(_data: PerformanceDataSource, fingerprint: str, name: str, _asked: Choice) -> Overview:
    """The key is that of the data and the name of the choice."""
    del fingerprint, name
    return overview(_data, _asked.chosen, _asked.conventions, check=False)


@st.cache_resource(max_entries=8, show_spinner="Setting every fill beside the market …", show_time=True)
def _executed(_data: PerformanceDataSource, fingerprint: str, name: str, _asked: Choice) -> Execution:
    """The key is that of the data and the name of the choice."""
    del fingerprint, name
    return execution(_data, _asked.chosen, _asked.conventions)


@st.cache_resource(max_entries=8, show_spinner="Dividing what was earned …", show_time=True)
def _attributed(_data: PerformanceDataSource, fingerprint: str, name: str, _asked: Choice) -> Attribution:
    """The key is that of the data and the name of the choice."""
    del fingerprint, name
    return attribution(_data, _asked.chosen, _asked.conventions)


@st.cache_resource(max_entries=8, show_spinner="Weighing the risk …", show_time=True)
def _risked(
    _data: PerformanceDataSource, fingerprint: str, name: str, _asked: Choice, _told: RiskConventions
) -> Risk:
    """The key is that of the data and the names of the choice and of what was told."""
    del fingerprint, name
    return risk(_data, _asked.chosen, _asked.conventions, _told)


@st.cache_resource(max_entries=16, show_spinner="Setting sides beside one another …", show_time=True)
def _compared(
    _data: PerformanceDataSource, fingerprint: str, name: str, _asked: Choice, _sides: Sides
) -> Comparison:
    """The key is that of the data, the name of the choice, and the sides."""
    del fingerprint, name
    given = (
        []
        if _sides.returns is None
        else [(_sides.returns[0], returns_of(_sides.returns[1], _sides.returns[0]))]
    )
    peers = _sides.peers and peers_of(_sides.peers[1], _sides.peers[0], PEER_COLUMNS, PEERS_SCHEMA)
    return compare(
        _data, _asked.chosen, _asked.conventions, by=_sides.by, benchmarks=[*_sides.benchmarks, *given],
        capital=_sides.capital, peers=peers, reference=_sides.reference,
    )  # fmt: skip


@st.cache_resource(max_entries=8, show_spinner="Trying every rule on days it had not seen …", show_time=True)
def _allocated(
    _data: PerformanceDataSource, fingerprint: str, name: str, _asked: Choice, _by: By,
    _capital: float | None,
) -> Allocation:  # fmt: skip
    """The key is that of the data, the name of the choice, and the capital."""
    del fingerprint, name
    return allocate(_data, _asked.chosen, _asked.conventions, capital=_capital, by=_by)


@st.cache_resource(max_entries=8, show_spinner="Checking the book …")
def _checked(
    _data: PerformanceDataSource, fingerprint: str, name: str, _conventions: Conventions
) -> tuple[Check, ...]:
    """The key is that of the data and the name of the conventions."""
    del fingerprint, name
    return overview(_data, Filter(), _conventions, metrics=()).checks


@st.cache_resource(max_entries=64, show_spinner=False)
def _parted(
    _data: PerformanceDataSource, fingerprint: str, name: str, by: tuple[Tag, ...], _asked: Choice
) -> Parts:
    """The key is that of the data, the name of the choice, and the tags."""
    del fingerprint, name
    return parts(_data, answer(_data, _asked), by)


@st.cache_resource(max_entries=64, show_spinner=False)
def _before(
    _data: PerformanceDataSource, fingerprint: str, name: str, keys: tuple[str, ...], _asked: Choice
) -> Mapping[str, Result] | None:
    """The key is that of the data, the name of the choice, and the metrics."""
    del fingerprint, name
    return before(_data, answer(_data, _asked), keys)
