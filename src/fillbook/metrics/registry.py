"""The registry every other room reads metrics from."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from fillbook.errors import BadRequestError
from fillbook.units import Unit

Better = Literal["higher", "lower", "neither"]
_Function = TypeVar("_Function", bound=Callable[..., float])


@dataclass(frozen=True, slots=True)
class Metric:
    """A registered metric: how it is called, what it means, what it eats.

    `inputs` are the names of the function's positional arguments: attributes of
    `fillbook.metrics.inputs.Inputs`. `parameters` are its keyword-only arguments with their
    defaults; one that Inputs knows by name (``periods_per_year``, ``capital``) is filled from there.
    """

    key: str
    label: str
    group: str
    unit: Unit
    better: Better
    formula: str
    source: str
    undefined: str
    function: Callable[..., float]
    inputs: tuple[str, ...]
    parameters: Mapping[str, Any]

    @property
    def summary(self) -> str:
        """First line of the docstring: what the number means, also the tooltip."""
        return (inspect.getdoc(self.function) or "").partition("\n")[0]


METRICS: dict[str, Metric] = {}


def metric(
    *,
    label: str,
    group: str,
    unit: Unit,
    better: Better,
    formula: str,
    source: str,
    undefined: str,
) -> Callable[[_Function], _Function]:
    """Register a function of arrays under its own name and hand it back unchanged.

    Parameters
    ----------
    label
        Name for people.
    group
        ``profitability``, ``risk``, ``activity``, ``execution``, ``attribution``, ``benchmark``.
    unit
        What the number counts.
    better
        Which direction is good for the owner.
    formula
        LaTeX.
    source
        Paper, book or convention it is taken from.
    undefined
        When there is no number.
    """

    def register(function: _Function) -> _Function:
        kinds = inspect.signature(function).parameters.values()
        key = function.__name__
        if key in METRICS:
            message = f"metric {key} is registered twice"
            raise ValueError(message)
        METRICS[key] = Metric(
            key, label, group, unit, better, formula, source, undefined, function,
            tuple(p.name for p in kinds if p.kind is not p.KEYWORD_ONLY),
            {p.name: p.default for p in kinds if p.kind is p.KEYWORD_ONLY},
        )  # fmt: skip
        return function

    return register


def find_metric(key: str) -> Metric:
    """Metric of that key.

    Raises
    ------
    BadRequestError
        No such key; the message names the nearest ones.
    """
    if key in METRICS:
        return METRICS[key]
    near = difflib.get_close_matches(key, METRICS, n=3)
    hint = f"did you mean {', '.join(near)}?" if near else "`fillbook metrics` lists them all"
    message = f"there is no metric {key!r}; {hint}"
    raise BadRequestError(message)
