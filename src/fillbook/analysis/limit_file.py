"""Limits as a user writes them: a TOML file, checked before anything is computed."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fillbook.analysis.limit_kinds import KINDS, LimitKind
from fillbook.errors import BadRequestError, no_such
from fillbook.metrics.episodes import CLEAR_SHARE, WARN_SHARE, Threshold

EXAMPLE = """\
# What may not be exceeded. Money is in the reporting currency, shares are fractions (0.2 is 20 %),
# times are seconds. `fillbook limits --kinds` lists what can be watched.

[sampling]
every_s = 60            # how often what is held and earned is looked at

[defaults]              # of every limit below that does not say otherwise
raise_after = 1         # samples above the limit, in a row, that make a breach
clear_after = 3         # samples at or below clear_at, in a row, that end it

[[limit]]
what = "gross_exposure"
max = 10000.0           # above it is a breach; from 80 % of it on it warns
clear_at = 9000.0       # a breach ends at or below it; 90 % of max where left out

[[limit]]
what = "daily_loss"     # since 00:00 UTC
max = 250.0

[[limit]]
what = "drawdown"
max = 500.0

[[limit]]
name = "too many cancels"
what = "cancel_ratio"
max = 0.98
window_s = 3600         # how far it looks back
# pairs = ["WLD-USDT"]  # connectors, bots and controllers narrow a limit in the same way

# [[limit]]
# what = "inventory"    # in coins of one asset, long or short
# asset = "WLD"
# max = 5000.0

[alerts]                # where new breaches are told (pip install "fillbook[alerts]")
urls = []               # for example "mailto://user:password@example.org", "tgram://token/chat"
"""
_SCOPE = ("bots", "pairs", "connectors", "controllers")
_CLEAR_AFTER = 3  # samples: one alone is often noise
_LEAST_ALPHA = 0.5


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit.

    Parameters
    ----------
    name
        As the user calls it; else what it watches.
    what
        Key of its kind in `KINDS`.
    threshold
        Limit, levels, and samples in a row.
    window_s
        Seconds a rate or an average looks back; None where the kind has none.
    stale_after_s
        Seconds without a sample after which its state is not known.
    asset
        The asset of an inventory.
    alpha
        Confidence of a VaR.
    bots, pairs, connectors, controllers
        What it is narrowed to; empty for all that is shown.
    """

    name: str
    what: str
    threshold: Threshold
    window_s: float | None
    stale_after_s: float
    asset: str | None = None
    alpha: float = 0.95
    bots: tuple[str, ...] = ()
    pairs: tuple[str, ...] = ()
    connectors: tuple[str, ...] = ()
    controllers: tuple[str, ...] = ()

    @property
    def kind(self) -> LimitKind:
        """What it watches."""
        return KINDS[self.what]


@dataclass(frozen=True, slots=True)
class LimitFile:
    """What a file of limits asks for.

    Parameters
    ----------
    limits
        In the order of the file.
    every_s
        Seconds between samples; None chooses by the length of the run.
    urls
        Where messages go, in Apprise's form.
    """

    limits: tuple[Limit, ...]
    every_s: float | None = None
    urls: tuple[str, ...] = ()
    source: str = field(default="limits.toml", compare=False)


def read_limits(text: str, source: str = "limits.toml") -> LimitFile:
    """Limits of a TOML text.

    Parameters
    ----------
    text
        The file.
    source
        Its name, for messages.

    Raises
    ------
    BadRequestError
        It is no TOML, an unknown key, a value of another type or out of range: what, where, what to do.
    """
    try:
        held = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadRequestError(f"{source} is not TOML: {error}") from error
    return _Reader(text, source).file(held)


def _number(value: object) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if is_number else None  # type: ignore[arg-type]


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value.strip() else None


def _texts(value: object) -> tuple[str, ...] | None:
    if isinstance(value, str):
        return (value,)
    is_list = isinstance(value, list) and all(isinstance(item, str) for item in value)
    return tuple(value) if is_list else None  # type: ignore[arg-type]


_Read = Callable[[object], Any]
_Refuse = Callable[[str, str], BadRequestError]
_DEFAULTS: Mapping[str, tuple[_Read, str]] = {
    "raise_after": (_count, "a whole number"), "clear_after": (_count, "a whole number"),
    "stale_after_s": (_number, "a number of seconds"), "window_s": (_number, "a number of seconds"),
}  # fmt: skip
_LIMIT: Mapping[str, tuple[_Read, str]] = {
    "what": (_text, "a text"), "max": (_number, "a number"), "name": (_text, "a text"),
    "clear_at": (_number, "a number"), "warn_at": (_number, "a number"), "asset": (_text, "a text"),
    "alpha": (_number, "a number"), **dict.fromkeys(_SCOPE, (_texts, "a text or a list of texts")),
    **_DEFAULTS,
}  # fmt: skip
_TABLES: Mapping[str, Mapping[str, tuple[_Read, str]]] = {
    "sampling": {"every_s": (_number, "a number of seconds")},
    "defaults": _DEFAULTS,
    "alerts": {"urls": (_texts, "a text or a list of texts")},
}


class _Reader:
    """Reads one text; every message says where in it."""

    def __init__(self, text: str, source: str) -> None:
        self.lines = text.splitlines()
        self.source = source

    def refuse(self, line: int | None, message: str) -> BadRequestError:
        where = self.source if line is None else f"{self.source}, line {line}"
        return BadRequestError(f"{where}: {message}")

    def line_of(self, table: str, place: int, key: str | None = None) -> int | None:
        """Line of a key, else of its table's header; None where the text spells it another way."""
        header = re.compile(rf"^\s*\[+\s*{re.escape(table)}\s*\]+")
        seen, inside, found = -1, False, None
        for number, line in enumerate(self.lines, 1):
            if re.match(r"^\s*\[", line):
                is_mine = header.match(line) is not None
                seen += is_mine
                inside = is_mine and seen == place
                found = number if inside else found
            elif inside and key is not None and re.match(rf"""^\s*["']?{re.escape(key)}["']?\s*=""", line):
                return number
        return found

    def file(self, held: Mapping[str, Any]) -> LimitFile:
        for name in held:
            if name not in {"limit", *_TABLES}:
                line = next((i for i, text in enumerate(self.lines, 1) if name in text), None)
                raise self.refuse(line, no_such(name, ["limit", *_TABLES], "table"))
        tables = {name: self.table(name, 0, held.get(name, {}), kinds) for name, kinds in _TABLES.items()}
        rows = held.get("limit", [])
        if not isinstance(rows, list) or not rows:
            raise self.refuse(None, "it holds no [[limit]]: write at least one, with what = and max =")
        limits = tuple(
            self.limit(i, self.table("limit", i, row, _LIMIT), tables["defaults"])
            for i, row in enumerate(rows)
        )
        every_s = tables["sampling"].get("every_s")
        if every_s is not None and every_s < 1.0:
            raise self.refuse(self.line_of("sampling", 0, "every_s"), "every_s is at least 1 second")
        self.refuse_same(limits)
        return LimitFile(limits, every_s, tables["alerts"].get("urls", ()), self.source)

    def table(
        self, name: str, place: int, held: object, kinds: Mapping[str, tuple[_Read, str]]
    ) -> dict[str, Any]:
        """Values of one table, each of its type."""
        if not isinstance(held, dict):
            raise self.refuse(self.line_of(name, place), f"{name} is a table: write [{name}]")
        found = {}
        for key, value in held.items():
            line = self.line_of(name, place, key)
            if key not in kinds:
                raise self.refuse(line, no_such(key, list(kinds), f"key of {name}"))
            read, what = kinds[key]
            found[key] = read(value)
            if found[key] is None:
                raise self.refuse(line, f"{key} is {what}, not {value!r}")
        return found

    def limit(self, place: int, given: Mapping[str, Any], defaults: Mapping[str, Any]) -> Limit:
        """One limit with everything it leaves out filled in."""

        def refuse(key: str, message: str) -> BadRequestError:
            return self.refuse(self.line_of("limit", place, key), message)

        for key in ("what", "max"):
            if key not in given:
                raise refuse(key, f"a limit needs {key} =")
        what = given["what"]
        if what not in KINDS:
            raise refuse("what", no_such(what, list(KINDS), "thing to watch"))
        kind = KINDS[what]
        held = {**defaults, **given}
        if kind.needs_asset != ("asset" in given):
            word = "needs" if kind.needs_asset else "has no"
            raise refuse("asset", f"{what} {word} asset =")
        alpha = held.get("alpha", 0.95)
        if not _LEAST_ALPHA <= alpha < 1.0:
            raise refuse("alpha", f"alpha is a share from {_LEAST_ALPHA} to below 1, not {alpha:g}")
        window_s, stale_after_s = _seconds(kind, given, held, refuse)
        return Limit(
            held.get("name", _name(what, held)), what, _threshold(held, refuse), window_s, stale_after_s,
            held.get("asset"), alpha, **{name: held.get(name, ()) for name in _SCOPE},
        )  # fmt: skip

    def refuse_same(self, limits: Sequence[Limit]) -> None:
        """Two limits of one name could not be told apart."""
        names: dict[str, int] = {}
        for i, limit in enumerate(limits):
            if limit.name in names:
                line = self.line_of("limit", i)
                raise self.refuse(line, f"two limits are called {limit.name!r}: give one a name =")
            names[limit.name] = i


def _threshold(held: Mapping[str, Any], refuse: _Refuse) -> Threshold:
    """Limit and levels of one limit, each where it may be."""
    most = held["max"]
    clear_at, warn_at = held.get("clear_at", CLEAR_SHARE * most), held.get("warn_at", WARN_SHARE * most)
    if most < 0.0:
        raise refuse("max", f"max is at least 0, not {most:g}")
    for key, value in (("clear_at", clear_at), ("warn_at", warn_at)):
        if value < 0.0 or value > most:
            raise refuse(key, f"{key} lies between 0 and max, not {value:g}")
    raise_after, clear_after = held.get("raise_after", 1), held.get("clear_after", _CLEAR_AFTER)
    for key, count in (("raise_after", raise_after), ("clear_after", clear_after)):
        if count < 1:
            raise refuse(key, f"{key} is at least 1, not {count}")
    return Threshold(most, clear_at, warn_at, raise_after, clear_after)


def _seconds(
    kind: LimitKind, given: Mapping[str, Any], held: Mapping[str, Any], refuse: _Refuse
) -> tuple[float | None, float]:
    """How far one limit looks back, and when it is stale."""
    if kind.window_s is None and "window_s" in given:
        raise refuse("window_s", f"{given['what']} looks at a moment: it has no window_s")
    window_s = None if kind.window_s is None else held.get("window_s", kind.window_s)
    stale_after_s = held.get("stale_after_s", kind.stale_after_s)
    for key, value in (("window_s", window_s), ("stale_after_s", stale_after_s)):
        if value is not None and value <= 0.0:
            raise refuse(key, f"{key} is more than 0, not {value:g}")
    return window_s, stale_after_s


def _name(what: str, held: Mapping[str, Any]) -> str:
    """Name of a limit that has none: its kind, its asset, and what it is narrowed to."""
    scope = [name for key in _SCOPE for name in held.get(key, ())]
    return " ".join([what.replace("_", " "), *([held["asset"]] if "asset" in held else []), *scope])
