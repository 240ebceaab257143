"""What the session remembers, and answers that are computed once for all sessions.

The session holds exactly the keys of `KEYS`. No table is ever hashed: data is known by the stamp of
its files, an answer by the data's fingerprint and findings, the filter and the conventions.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Concatenate, Literal, ParamSpec, TypedDict, TypeVar
from zoneinfo import ZoneInfo

import polars as pl
import streamlit as st

from fillbook.analysis.allocation import Allocation, allocate
from fillbook.analysis.attribution import Attribution, attribution
from fillbook.analysis.compare import Comparison, Window, compare, names_of
from fillbook.analysis.contributions import EQUAL, Contributions, contributions
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
_More = ParamSpec("_More")
_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True)
class Choice:
    """Which rows count, and how they are booked."""

    chosen: Filter = field(default_factory=Filter)
    conventions: Conventions = field(default_factory=Conventions)


Parted = Literal["bot", "controller", "pair", "config"]
File = tuple[str, bytes]  # name and content of an upload


@dataclass(frozen=True, slots=True)
class Sides:
    """What is compared: the parts of what is shown, one of them or a benchmark, capital, and files.

    Parameters
    ----------
    by
        What tells the sides apart; None takes the periods, else all as one side.
    periods
        First and last days (UTC) of stretches of the whole.
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
    returns: File | None = None
    peers: File | None = None
    periods: tuple[Window, ...] = ()


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


def limits_text() -> str:
    """Limits as the reader last wrote them."""
    settings: ChartSettings = st.session_state[CHARTS]
    return settings["limits"]


def keep_limits(text: str) -> None:
    """Remember the limits while the reader looks at other pages."""
    settings: ChartSettings = st.session_state[CHARTS]
    settings["limits"] = text


_Asked = Callable[Concatenate[PerformanceDataSource, Choice, _More], _Answer]
_Current = Callable[Concatenate[PerformanceDataSource, _More], _Answer]


def _kept(*, most: int, says: str = "") -> Callable[[_Asked[_More, _Answer]], _Asked[_More, _Answer]]:
    """Keep what a question answers for all sessions, by the data's key and everything asked.

    Parameters
    ----------
    most
        Answers kept; each question has a cache of its own.
    says
        What a reader sees who has to wait for one; blank shows nothing.
    """

    def of(question: _Asked[_More, _Answer]) -> _Asked[_More, _Answer]:
        def once(fingerprint: str, asked: str, _answer: Callable[[], _Answer]) -> _Answer:
            del fingerprint, asked  # the key
            return _answer()

        once.__qualname__ = question.__qualname__  # by which Streamlit tells caches apart
        held = st.cache_resource(max_entries=most, show_spinner=says or False, show_time=bool(says))(once)

        @functools.wraps(question)
        def answered(
            data: PerformanceDataSource, asked: Choice, /, *more: _More.args, **named: _More.kwargs
        ) -> _Answer:
            found: _Answer = held(
                key_of(data), repr((asked, more, named)), lambda: question(data, asked, *more, **named)
            )
            return found

        return answered

    return of


def _kept_of_view(
    *, most: int, says: str = ""
) -> Callable[[_Asked[_More, _Answer]], _Current[_More, _Answer]]:
    """The same, asked of what is shown: the choice in force is filled in."""

    def of(question: _Asked[_More, _Answer]) -> _Current[_More, _Answer]:
        kept = _kept(most=most, says=says)(question)

        @functools.wraps(question)
        def answered(data: PerformanceDataSource, /, *more: _More.args, **named: _More.kwargs) -> _Answer:
            return kept(data, choice(), *more, **named)

        return answered

    return of


@_kept(most=16, says="Booking every fill …")
def answer(held: PerformanceDataSource, asked: Choice) -> Overview:
    """Overview of the data seen through the choice.

    Raises
    ------
    BadRequestError
        The choice asks for what the data does not hold.
    """
    return overview(held, asked.chosen, asked.conventions, check=False)


@_kept(most=8, says="Checking the book …")
def _checked(held: PerformanceDataSource, asked: Choice) -> tuple[Check, ...]:
    return overview(held, asked.chosen, asked.conventions, metrics=()).checks


def checks(held: PerformanceDataSource) -> tuple[Check, ...]:
    """The book's checks of itself, on all of the data: a filter changes nothing about the trust."""
    return _checked(held, Choice(conventions=choice().conventions))


@_kept_of_view(most=64)
def parts_by(held: PerformanceDataSource, asked: Choice, *by: Tag) -> Parts:
    """Parts of what is shown, by some of their tags."""
    return parts(held, answer(held, asked), by)


@_kept_of_view(most=64)
def earlier(held: PerformanceDataSource, asked: Choice, keys: tuple[str, ...]) -> Mapping[str, Result] | None:
    """Metrics of the equal period before the chosen one, where there is one."""
    return before(held, answer(held, asked), keys)


@_kept_of_view(most=64)
def carried(held: PerformanceDataSource, asked: Choice) -> float | None:
    """Net PnL of the chosen period with what was held before it."""
    return accrued(held, answer(held, asked))


@_kept_of_view(most=8, says="Setting every fill beside the market …")
def executed(held: PerformanceDataSource, asked: Choice) -> Execution:
    """How the orders of what is shown were executed."""
    return execution(held, asked.chosen, asked.conventions)


@_kept_of_view(most=8, says="Dividing what was earned …")
def attributed(held: PerformanceDataSource, asked: Choice) -> Attribution:
    """Why what is shown earned or lost."""
    return attribution(held, asked.chosen, asked.conventions)


@_kept_of_view(most=8, says="Weighing the bots …")
def contributed(
    held: PerformanceDataSource, asked: Choice, capitals: Mapping[str, float] | None = None,
    benchmark: str | File = EQUAL,
) -> Contributions:  # fmt: skip
    """What each bot of what is shown added, in money or, with the capital of each, to the return.

    Raises
    ------
    FillbookError
        A bot has no capital, or the benchmark cannot be read or lacks days.
    """
    against = benchmark if isinstance(benchmark, str) else _returns(benchmark)
    return contributions(held, asked.chosen, asked.conventions, capitals=capitals, benchmark=against)


@_kept_of_view(most=8, says="Reckoning as others do …")
def reconciled(held: PerformanceDataSource, asked: Choice) -> Reconciliation:
    """What others say of what is shown."""
    return reconcile(held, asked.chosen, asked.conventions)


@_kept_of_view(most=8, says="Watching the limits …")
def watched(held: PerformanceDataSource, asked: Choice, text: str) -> Limits:
    """Limits of a TOML text over what is shown.

    Raises
    ------
    BadRequestError
        The text is no file of limits, or asks for what the data does not hold.
    """
    return limits(held, read_limits(text), asked.chosen, asked.conventions)


@_kept_of_view(most=8, says="Weighing the risk …")
def risked(held: PerformanceDataSource, asked: Choice, told: RiskConventions) -> Risk:
    """What is shown could lose.

    Raises
    ------
    BadRequestError
        The choice asks for what the data does not hold.
    """
    return risk(held, asked.chosen, asked.conventions, told)


@_kept_of_view(most=64)
def side_names(held: PerformanceDataSource, asked: Choice, sides: Sides) -> tuple[str, ...]:
    """Names of the sides of what is shown, without a comparison of them."""
    return names_of(held, asked.chosen, asked.conventions, by=sides.by, periods=sides.periods)


@_kept_of_view(most=16, says="Setting sides beside one another …")
def compared(held: PerformanceDataSource, asked: Choice, sides: Sides) -> Comparison:
    """Sides of what is shown beside one another.

    Raises
    ------
    FillbookError
        A file cannot be read, or there is no such side.
    """
    given = [] if sides.returns is None else [_returns(sides.returns)]
    peers = sides.peers and peers_of(sides.peers[1], sides.peers[0], PEER_COLUMNS, PEERS_SCHEMA)
    return compare(
        held, asked.chosen, asked.conventions, by=sides.by, periods=sides.periods,
        benchmarks=[*sides.benchmarks, *given], capital=sides.capital, peers=peers,
        reference=sides.reference,
    )  # fmt: skip


def _returns(file: File) -> tuple[str, pl.DataFrame]:
    """Name and daily returns of an uploaded file."""
    return file[0], returns_of(file[1], file[0])


@_kept_of_view(most=8, says="Trying every rule on days it had not seen …")
def allocated(held: PerformanceDataSource, asked: Choice, by: By, capital: float | None) -> Allocation:
    """How the capital of what is shown might be spread.

    Raises
    ------
    MissingExtraError
        skfolio is not installed.
    """
    return allocate(held, asked.chosen, asked.conventions, capital=capital, by=by)
