"""What can go wrong that a user can act on.

FillbookError
├── UnreadableSourceError   a file or address that cannot be read, or is not what it claims to be
├── MissingExtraError       an optional dependency that a command needs
├── BadRequestError         a question that cannot be answered as asked (filter, mark, currency, key)
└── MissingMarkError        strict marks were asked for and a book has none
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence


class FillbookError(Exception):
    """Any error fillbook raises on purpose; its text is meant for a user."""


class UnreadableSourceError(FillbookError):
    """A source that cannot be read.

    Parameters
    ----------
    uri
        The file or address as the user gave it.
    why
        What is wrong, in words ("is not a SQLite database").
    remedy
        What the user can do about it.
    """

    def __init__(self, uri: str, why: str, remedy: str = "") -> None:
        super().__init__(f"{uri}: {why}" + (f". {remedy}" if remedy else ""))
        self.uri = uri
        self.why = why
        self.remedy = remedy


class MissingExtraError(FillbookError):
    """An optional dependency is not installed.

    Parameters
    ----------
    extra
        Name of the extra that brings it (``web``, ``excel``).
    purpose
        What it is needed for.
    """

    def __init__(self, extra: str, purpose: str) -> None:
        super().__init__(f'{purpose} needs an optional part: pip install "fillbook[{extra}]"')
        self.extra = extra


class BadRequestError(FillbookError):
    """A question that cannot be answered as it was asked."""


class MissingMarkError(FillbookError):
    """Strict marks were asked for, and an open book has no price but its own last fill."""


def no_such(name: str, known: Sequence[str], what: str, *, most: int = 1) -> str:
    """A name that is none of those known, and the nearest that are.

    >>> no_such("makr", ["maker", "taker"], "bot of this data")
    "'makr' is no bot of this data; did you mean 'maker'?"
    """
    near = difflib.get_close_matches(name, known, most, 0.5)
    hint = f"did you mean {' or '.join(map(repr, near))}?" if near else f"it is one of {', '.join(known)}"
    return f"{name!r} is no {what}; {hint if known else 'there is none'}"
