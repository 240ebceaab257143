"""What every source must keep to, in three lines of your own tests.

>>> from fillbook.testing.sources import Specimen, conforms
>>> def test_my_source_conforms():
...     conforms(Specimen("mine://somewhere", reference="the_same.sqlite", bad=("mine://nowhere",)))

`conforms` tries everything in `CHECKS` and raises one `NotConformingError` that lists what is wrong; a test
framework that likes one test a check runs them one by one.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
from polars.testing import assert_frame_equal

from fillbook.errors import UnreadableSourceError
from fillbook.etl import performance_etl
from fillbook.performance_data_source import PerformanceDataSource, open_data
from fillbook.schema.raw import UNREADABLE_SCHEMA, RawTables
from fillbook.schema.tables import TABLES, dtypes_of
from fillbook.sources.base import Source, expand, open_source, plain_path, scheme_of
from fillbook.sources.credentials import without_secrets

if TYPE_CHECKING:
    from collections.abc import Iterator

_EARLIEST, _LATEST = datetime(2009, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
_SHUFFLED = 20_000
_NUMBERS = ("currency", "period", "metrics", "books")
_HEX = set("0123456789abcdef")


@dataclass(frozen=True, slots=True)
class Specimen:
    """A place your source reads, for the checks to try it on.

    Parameters
    ----------
    uri
        What your source opens: a path, or an address with its scheme.
    reference
        The same data where a source that is trusted reads it (a path, or data that is open already): every
        metric and every book must come out the same, to the last byte of their JSON.
    bad
        Addresses of your source that cannot be read: nowhere, damaged, refused.
    secret
        A password that stands in `uri`: no text may hold it.
    """

    uri: str
    reference: str | Path | PerformanceDataSource | None = None
    bad: tuple[str, ...] = ()
    secret: str = ""

    def sources(self) -> Iterator[Source]:
        """What lies behind the address, opened."""
        for part in expand(self.uri):
            yield open_source(part)


class NotConformingError(AssertionError):
    """What a source does not keep to, all of it."""


def conforms(specimen: Specimen) -> None:
    """Try every check on a source.

    Raises
    ------
    NotConformingError
        It does not keep to some; each is named with what was seen.
    """
    wrong = []
    for check in CHECKS:
        try:
            check(specimen)
        except AssertionError as error:
            wrong.append(f"{check.__name__}: {error}")
    if wrong:
        raise NotConformingError("\n\n".join((f"the source of {without_secrets(specimen.uri)}", *wrong)))


def numbers_of(data: PerformanceDataSource) -> str:
    """Metrics and books of ``fillbook summary --json`` as text, whatever the bots are called."""
    from fillbook.analysis.overview import overview  # noqa: PLC0415  (brings Numba)
    from fillbook.reports.json import to_json  # noqa: PLC0415
    from fillbook.reports.summary import summary_object  # noqa: PLC0415

    whole = summary_object(overview(data), data)
    bots = sorted(str(bot) for bot in data.fills["bot"].unique())
    return to_json(_renamed({key: whole[key] for key in _NUMBERS}, {name: i for i, name in enumerate(bots)}))


def _renamed(value: object, bots: Mapping[str, int]) -> object:
    """JSON with numbers for the names of bots, and without the names of their configurations."""
    if isinstance(value, dict):
        return {
            key: bots.get(str(part), part) if key == "bot" else _renamed(part, bots)
            for key, part in value.items()
            if key != "config"
        }
    return [_renamed(part, bots) for part in value] if isinstance(value, list) else value


def is_found_by_its_address(specimen: Specimen) -> None:
    """The address leads to a source, by its scheme or by the head of the file; its parts to themselves."""
    parts = expand(specimen.uri)
    assert parts == expand(specimen.uri), "expand gives other parts the second time"
    assert len(set(parts)) == len(parts), f"expand gives a part twice: {parts}"
    for part in parts:
        assert expand(part) == [part], f"a part is no end: {without_secrets(part)} has parts itself"
        source = open_source(part)
        if not scheme_of(part):
            assert type(source).matches(plain_path(part)), (
                f"{type(source).__name__} does not match its own file"
            )


def reads_the_same_twice(specimen: Specimen) -> None:
    """Two readings give equal tables, findings and identity (sha256 above all)."""
    for source in specimen.sources():
        first, second = source.read(), source.read()
        assert first.info == second.info, f"{first.info} became {second.info}"
        assert first.findings == second.findings, "other findings the second time"
        _equal(first.tables, second.tables, "the second time")
        assert_frame_equal(first.unreadable, second.unreadable)


def keeps_to_the_data_model(specimen: Specimen) -> None:
    """Tables and columns are those of `fillbook.schema.tables`, with their dtypes."""
    for raw in _read(specimen):
        for name, rows in raw.tables.items():
            assert name in TABLES, f"{name} is no table of the data model: {', '.join(TABLES)}"
            model = dtypes_of(name)
            for column, dtype in rows.schema.items():
                assert column in model, f"{name} has no column {column}"
                assert dtype == model[column], f"{name}.{column} is {dtype}, and should be {model[column]}"
        assert dict(raw.unreadable.schema) == UNREADABLE_SCHEMA, f"unreadable has {raw.unreadable.schema}"


def keeps_to_the_units(specimen: Specimen) -> None:
    """Times are UTC of this age, sides ±1, pairs BASE-QUOTE, fractions no percent, enums names."""
    for raw in _read(specimen):
        for name, rows in raw.tables.items():
            for column in ("at", "closed_at", "updated_at"):
                if column in rows.columns:
                    odd = rows.filter(~pl.col(column).is_between(_EARLIEST, _LATEST))
                    assert odd.is_empty(), (
                        f"{name}.{column} holds {odd[column][0]}: seconds, ms or µs mistaken?"
                    )
            if "side" in rows.columns:
                sides = set(rows["side"].drop_nulls().unique())
                assert sides <= {1, -1}, f"{name}.side holds {sides}, and should be +1 or −1"
            if "pair" in rows.columns:
                odd = rows.filter(~pl.col("pair").cast(pl.String).str.contains("-", literal=True))
                assert odd.is_empty(), f"{name}.pair holds {odd['pair'][0]}, and should be BASE-QUOTE"
            if "close_type" in rows.columns:
                odd = rows.filter(pl.col("close_type").cast(pl.String).str.contains(r"^[0-9.]+$"))
                assert odd.is_empty(), f"{name}.close_type holds {odd['close_type'][0]}, and should be a name"
        fills = raw.tables.get("fills")
        if fills is not None and "fee_percent" in fills.columns:
            high = fills.filter(pl.col("fee_percent").abs() > 1.0)
            assert high.is_empty(), (
                f"fills.fee_percent holds {high['fee_percent'][0]}: a fraction, not percent"
            )


def numbers_its_rows(specimen: Specimen) -> None:
    """`source` is 0, and `row` names each row of a table once; further fees name rows of fills."""
    for raw in _read(specimen):
        for name, rows in raw.tables.items():
            if "source" in rows.columns:
                assert (rows["source"] == 0).all(), f"{name}.source is not 0: the ETL numbers the sources"
            if "row" not in rows.columns:
                assert name == "executor_orders", f"{name} has no column row"
                continue
            assert rows["row"].null_count() == 0, f"{name}.row is missing in {rows['row'].null_count()} rows"
            if name == "flat_fees":
                fills = set(raw.tables["fills"]["row"])
                assert set(rows["row"]) <= fills, "flat_fees.row names rows that fills does not have"
            else:
                assert rows["row"].n_unique() == rows.height, f"{name}.row names two rows alike"


def says_what_it_read(specimen: Specimen) -> None:
    """SourceInfo is filled: kind, bot, a SHA-256, the rows of every table, an address without secrets."""
    for raw in _read(specimen):
        info = raw.info
        assert info.kind, "info.kind is empty"
        assert info.bot, "info.bot is empty"
        assert info.layout, "info.layout is empty: which form of the format is it?"
        assert info.uri == without_secrets(info.uri), "info.uri holds a password"
        assert len(info.sha256) == 64, f"info.sha256 is {info.sha256!r}"
        assert set(info.sha256) <= _HEX, f"info.sha256 is {info.sha256!r}"
        assert info.size_bytes > 0, f"info.size_bytes is {info.size_bytes}"
        for name, rows in raw.tables.items():
            if name in info.rows:
                assert info.rows[name] == rows.height, (
                    f"info.rows says {info.rows[name]} {name}, not {rows.height}"
                )
        assert "fills" not in raw.tables or "fills" in info.rows, "info.rows does not count the fills"


def does_not_depend_on_the_order_of_rows(specimen: Specimen) -> None:
    """Shuffled rows are cleaned to the same tables: what comes after what is said by time and `row`."""
    for raw in _read(specimen):
        if sum(rows.height for rows in raw.tables.values()) > _SHUFFLED:
            continue
        mixed = {
            name: rows.sample(fraction=1.0, shuffle=True, seed=1) if "row" in rows.columns else rows
            for name, rows in raw.tables.items()
        }
        as_read, shuffled = (
            performance_etl([one], clock=_LATEST).tables for one in (raw, replace(raw, tables=mixed))
        )
        _equal(as_read, shuffled, "after its rows were shuffled")


def leaves_no_trace(specimen: Specimen) -> None:
    """Nothing is written beside a file, nor into it."""
    for part in expand(specimen.uri):
        if scheme_of(part):
            continue
        folder = plain_path(part).absolute().parent
        before = _hashes(folder)
        open_source(part).read()
        after = _hashes(folder)
        changed = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
        assert not changed, f"reading changed {', '.join(changed)}"


def says_why_it_cannot_read(specimen: Specimen) -> None:
    """What cannot be read raises `UnreadableSourceError` with why and remedy, and without a password."""
    for uri in specimen.bad:
        _refuses(without_secrets(uri), partial(_read_all, uri), specimen.secret)
    with tempfile.TemporaryDirectory(prefix="fillbook-") as scratch:
        for part in expand(specimen.uri):
            if scheme_of(part):
                continue
            kind, name = type(open_source(part)), plain_path(part).name
            gone, empty = Path(scratch) / f"gone-{name}", Path(scratch) / f"empty-{name}"
            empty.touch()
            for path in (gone, empty, Path(scratch)):
                _refuses(str(path), kind(str(path)).read, specimen.secret)


def _read_all(uri: str) -> list[RawTables]:
    return [open_source(part).read() for part in expand(uri)]


def hides_its_secrets(specimen: Specimen) -> None:
    """The password of the address stands in no identity, finding or representation."""
    if not specimen.secret:
        return
    for source in specimen.sources():
        raw = source.read()
        for text in (repr(source), str(raw.info), *map(str, raw.findings)):
            assert specimen.secret not in text, (
                f"the password stands in {text.replace(specimen.secret, '***')}"
            )


def counts_once(specimen: Specimen) -> None:
    """The same address given twice is the same data."""
    once, twice = (
        open_data(*uris, clock=_LATEST) for uris in ((specimen.uri,), (specimen.uri, specimen.uri))
    )
    assert once.fingerprint == twice.fingerprint, "the fingerprint changed"
    _equal(once.tables, twice.tables, "when it was given twice")


def agrees_with_its_reference(specimen: Specimen) -> None:
    """Metrics and books are those of the reference, to the last byte of their JSON."""
    reference = specimen.reference
    if reference is None:
        return
    other = reference if isinstance(reference, PerformanceDataSource) else open_data(reference, clock=_LATEST)
    mine = open_data(specimen.uri, clock=_LATEST)
    ours, theirs = numbers_of(mine), numbers_of(other)
    assert ours == theirs, f"not the numbers of the reference:\n{_first_difference(ours, theirs)}"


CHECKS: tuple[Callable[[Specimen], None], ...] = (
    is_found_by_its_address,
    reads_the_same_twice,
    keeps_to_the_data_model,
    keeps_to_the_units,
    numbers_its_rows,
    says_what_it_read,
    does_not_depend_on_the_order_of_rows,
    leaves_no_trace,
    says_why_it_cannot_read,
    hides_its_secrets,
    counts_once,
    agrees_with_its_reference,
)


def _read(specimen: Specimen) -> Iterator[RawTables]:
    for source in specimen.sources():
        yield source.read()


def _equal(first: Mapping[str, pl.DataFrame], second: Mapping[str, pl.DataFrame], when: str) -> None:
    assert list(first) == list(second), f"tables {list(first)} became {list(second)} {when}"
    for name, rows in first.items():
        try:
            assert_frame_equal(rows, second[name], check_exact=True, categorical_as_str=True)
        except AssertionError as error:
            raise AssertionError(f"table {name} is another one {when}: {error}") from error


def _hashes(folder: Path) -> dict[str, str]:
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.iterdir()
        if path.is_file()
    }


def _refuses(uri: str, read: Callable[[], object], secret: str) -> None:
    with ThreadPoolExecutor(1) as pool:  # which hands over whatever is raised
        error = pool.submit(read).exception()
    assert error is not None, f"{uri}: was read, and should not be"
    if not isinstance(error, UnreadableSourceError):
        message = f"{uri}: {type(error).__name__} instead of UnreadableSourceError: {error}"
        raise NotConformingError(message) from error
    assert error.why, f"{uri}: the error does not say why"
    assert error.remedy, f"{uri}: the error does not say what to do: {error}"
    assert not secret or secret not in f"{error}{error!r}", f"{uri}: the error holds the password"


def _first_difference(ours: str, theirs: str) -> str:
    """The first metric or book that differs, of both."""
    mine, other = json.loads(ours), json.loads(theirs)
    for key in _NUMBERS:
        pairs = zip(_listed(mine[key]), _listed(other[key]), strict=False)
        for one, two in pairs:
            if one != two:
                return f"{key}: {one}\ninstead of: {two}"
        if mine[key] != other[key]:
            return f"{key}: {len(mine[key])} instead of {len(other[key])}"
    return "only the order of keys"


def _listed(value: object) -> list[object]:
    if isinstance(value, dict):
        return list(value.items())
    return value if isinstance(value, list) else [value]
