"""Every figure with what it shows: the page, reports and notebooks call the same functions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import plotly.graph_objects as go

_Function = TypeVar("_Function", bound=Callable[..., go.Figure])


@dataclass(frozen=True, slots=True)
class Figure:
    """A registered figure.

    Parameters
    ----------
    key
        Name of its function.
    title
        Heading.
    needs
        Columns of the table it draws.
    caption
        One sentence: what to read in it; also the text for those who cannot see it.
    draw
        The function: table and look first.
    """

    key: str
    title: str
    needs: tuple[str, ...]
    caption: str
    draw: Callable[..., go.Figure]


FIGURES: dict[str, Figure] = {}


def figure(*, title: str, needs: str, caption: str) -> Callable[[_Function], _Function]:
    """Register a function that draws a table, and hand it back unchanged."""

    def register(function: _Function) -> _Function:
        key = function.__name__
        if key in FIGURES:
            message = f"figure {key} is registered twice"
            raise ValueError(message)
        FIGURES[key] = Figure(key, title, tuple(needs.split()), caption, function)
        return function

    return register
