"""What a peer says of the same fills, and the steps that lead there from what we say.

A peer's figure is reached from ours along a fixed path, one change at a time. The amount of a step is the
figure after it less the figure before it, so the steps add up to the whole difference; what no step
explains is left over and said to be so.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from fillbook.results import Status

PARTS_SCHEMA = {
    "part": pl.String, "currency": pl.String, "ours": pl.Float64, "theirs": pl.Float64,
    "difference": pl.Float64, "rest": pl.Float64,
}  # fmt: skip
CAUSES_SCHEMA = {
    "step": pl.Int64, "cause": pl.String, "label": pl.String, "amount": pl.Float64, "share": pl.Float64,
    "n": pl.Int64, "meaning": pl.String,
}  # fmt: skip
STEPS_SCHEMA = {"part": pl.String, "currency": pl.String, "cause": pl.String, "amount": pl.Float64}
FIGURES_SCHEMA = {"part": pl.String, "figure": pl.String, "value": pl.Float64}


@dataclass(frozen=True, slots=True)
class Part:
    """One of the pieces a peer answers one by one: an account, a controller, a file.

    Parameters
    ----------
    name, currency
        Which one, and the quote currency of its money.
    ours, theirs
        Net PnL as we and as they have it.
    steps
        Amount of each step of the path that applies, theirs less ours, by cause.
    figures
        Other figures of the peer, reproduced; None where there is none.
    n
        Rows each step concerns, by cause.
    """

    name: str
    currency: str
    ours: float
    theirs: float
    steps: Mapping[str, float] = field(default_factory=dict)
    figures: Mapping[str, float | None] = field(default_factory=dict)
    n: Mapping[str, int] = field(default_factory=dict)

    @property
    def rest(self) -> float:
        """What no step explains."""
        return math.fsum([self.theirs, -self.ours, *(-amount for amount in self.steps.values())])


@dataclass(frozen=True, slots=True)
class Cause:
    """One named reason why figures differ.

    Parameters
    ----------
    label
        In a few words, as a row of a table.
    meaning
        One sentence for someone who has not read the definitions.
    """

    label: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Peer:
    """A peer's net PnL beside ours, and what the difference is made of.

    Parameters
    ----------
    key, label
        Stable name, and what it is.
    about
        Where a user meets this number.
    status, reason
        ``unavailable`` with its reason code where the data lacks what the peer computes from; ``partial``
        where it is known to lack some of it.
    note
        What is missing, in words; empty where nothing is.
    currency
        Of `ours` and `theirs`; None where no rate joins the parts, which then stand alone.
    ours, theirs
        Net PnL; None where there is no number.
    rest
        What no cause explains; None where there is no difference to explain.
    causes
        A row a step of the path, in its order: ``step, cause, label, amount, share`` (of all amounts taken
        positive), ``n`` (rows it concerns), ``meaning``; amounts in `currency`, theirs less ours.
    parts
        A row a part: ``part, currency, ours, theirs, difference, rest``.
    steps
        A row a part and step: ``part, currency, cause, amount``.
    figures
        The peer's other figures, reproduced: ``part, figure, value``.
    lack
        What data would explain a rest, in words.
    """

    key: str
    label: str
    about: str
    status: Status
    reason: str = ""
    note: str = ""
    currency: str | None = None
    ours: float | None = None
    theirs: float | None = None
    rest: float | None = None
    causes: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=CAUSES_SCHEMA))
    parts: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=PARTS_SCHEMA))
    steps: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=STEPS_SCHEMA))
    figures: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=FIGURES_SCHEMA))
    lack: str = ""

    @property
    def difference(self) -> float | None:
        """Theirs less ours."""
        return None if self.ours is None or self.theirs is None else self.theirs - self.ours

    @property
    def is_explained(self) -> bool:
        """Whether the causes leave less than 1 % of the difference, or less than rounding."""
        if self.rest is None or self.difference is None:
            return False
        scale = max(abs(self.ours or 0.0), abs(self.theirs or 0.0), 1.0)
        return abs(self.rest) <= max(0.01 * abs(self.difference), 1e-6 * scale)


@dataclass(frozen=True, slots=True)
class Kind:
    """Name of a peer, where it is met, and the path to it.

    Parameters
    ----------
    key, label, about
        As in `Peer`.
    path
        Causes in the order in which they are changed.
    lack
        What data would explain a rest, were there one.
    """

    key: str
    label: str
    about: str
    path: Mapping[str, Cause]
    lack: str = "rows that the peer saw and this data does not hold"

    def unavailable(self, reason: str, note: str = "") -> Peer:
        """Peer where the data lacks what it computes from."""
        return Peer(self.key, self.label, self.about, Status.UNAVAILABLE, reason, note)

    def answered(
        self, parts: Sequence[Part], rates: Mapping[str, float], currency: str | None, *,
        reason: str = "", note: str = "",
    ) -> Peer:  # fmt: skip
        """Peer with the answer of its parts.

        Parameters
        ----------
        parts
            What was found.
        rates, currency
            Value of one unit of each part's currency in the reporting currency; None where no rate joins
            them.
        reason, note
            Why it is partial, where it is.
        """
        joined = currency if all(p.currency in rates for p in parts) else None
        totals = _totals(parts, rates) if joined else (None, None, None)
        status = Status.PARTIAL if reason else Status.OK
        ours, theirs, rest = totals
        tables, steps, figures = _frames(parts)
        return Peer(
            self.key, self.label, self.about, status if joined else Status.UNAVAILABLE,
            reason if joined else "no_rate", note, joined, ours, theirs, rest,
            self._causes(parts, rates if joined else None), tables, steps, figures, self.lack,
        )  # fmt: skip

    def _causes(self, parts: Sequence[Part], rates: Mapping[str, float] | None) -> pl.DataFrame:
        """Steps of the path that any part takes, summed."""
        if rates is None:
            return pl.DataFrame(schema=CAUSES_SCHEMA)
        rows = []
        for cause, said in self.path.items():
            mine = [part for part in parts if cause in part.steps]
            if mine:
                amount = math.fsum(rates[part.currency] * part.steps[cause] for part in mine)
                n = sum(part.n.get(cause, 0) for part in mine)
                rows.append((cause, said.label, amount, n, said.meaning))
        moved = math.fsum(abs(amount) for _, _, amount, _, _ in rows)
        return pl.DataFrame(
            [
                (i + 1, cause, label, amount, abs(amount) / moved if moved else None, n, meaning)
                for i, (cause, label, amount, n, meaning) in enumerate(rows)
            ],
            schema=CAUSES_SCHEMA, orient="row",
        )  # fmt: skip


def _totals(parts: Iterable[Part], rates: Mapping[str, float]) -> tuple[float, float, float]:
    """Ours, theirs and the rest, in the reporting currency."""
    held = [(part, rates[part.currency]) for part in parts]
    ours = math.fsum(rate * part.ours for part, rate in held)
    theirs = math.fsum(rate * part.theirs for part, rate in held)
    return ours, theirs, math.fsum(rate * part.rest for part, rate in held)


def _frames(parts: Sequence[Part]) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Parts, their steps, and their figures as tables."""
    rows = [(p.name, p.currency, p.ours, p.theirs, p.theirs - p.ours, p.rest) for p in parts]
    steps = [(p.name, p.currency, cause, amount) for p in parts for cause, amount in p.steps.items()]
    figures = [(p.name, name, value) for p in parts for name, value in p.figures.items()]
    return (
        pl.DataFrame(rows, schema=PARTS_SCHEMA, orient="row"),
        pl.DataFrame(steps, schema=STEPS_SCHEMA, orient="row"),
        pl.DataFrame(figures, schema=FIGURES_SCHEMA, orient="row"),
    )
