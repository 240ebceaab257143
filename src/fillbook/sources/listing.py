"""Which sources are installed: ours and strangers', what each opens, and whether its driver is there."""

from __future__ import annotations

import importlib.util
import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import entry_points

from fillbook.sources.base import GROUP, OWN, REMOTE, load_class

_OURS = "fillbook"


@dataclass(frozen=True, slots=True)
class InstalledSource:
    """A source as the list shows it.

    Parameters
    ----------
    names
        Names it is registered under; of a source of addresses, its schemes.
    opens
        What it opens, in words.
    example
        An address.
    package
        Which installed package brings it.
    extra
        The extra that brings its driver; empty where it needs none.
    is_ready
        Whether it can be used as it is.
    why
        Why it cannot, and what to do; empty where it can.
    """

    names: tuple[str, ...]
    opens: str
    example: str
    package: str
    extra: str
    is_ready: bool
    why: str


def installed_sources() -> list[InstalledSource]:
    """Every registered source, ours first, each class once."""
    found: dict[str, list[str]] = {}
    packages: dict[str, str] = {}
    for name, address, package in _registered():
        names = found.setdefault(address, [])
        names += [name] if name not in names else []
        packages.setdefault(address, package)
    return [_described(address, tuple(names), packages[address]) for address, names in found.items()]


def _registered() -> Iterator[tuple[str, str, str]]:
    """Name, class and package of every registration."""
    for name, address in {**OWN, **REMOTE}.items():
        yield name, address, _OURS
    points = sorted(entry_points(group=GROUP), key=lambda point: point.name)
    for point in points:
        yield point.name, point.value, point.dist.name if point.dist else ""


def _described(address: str, names: tuple[str, ...], package: str) -> InstalledSource:
    try:
        source = load_class(address)
    except (ImportError, AttributeError, ValueError) as error:
        return InstalledSource(names, "", "", package, "", is_ready=False, why=f"cannot be loaded: {error}")
    extra = str(getattr(source, "extra", ""))
    missing = [name for name in getattr(source, "drivers", ()) if importlib.util.find_spec(name) is None]
    doc = (inspect.getdoc(source) or "").splitlines() or [""]
    return InstalledSource(
        names, str(getattr(source, "opens", doc[0].rstrip("."))), str(getattr(source, "example", "")),
        package, extra, is_ready=not missing, why=_way_out(package, extra, missing),
    )  # fmt: skip


def _way_out(package: str, extra: str, missing: list[str]) -> str:
    if not missing:
        return ""
    return f'pip install "{package}[{extra}]"' if extra else f"pip install {' '.join(missing)}"
