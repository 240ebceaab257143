"""A stranger's package, found by its entry points, is a source like ours; and the kit sees its mistakes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

import fillbook
from fillbook.errors import MissingExtraError, UnreadableSourceError
from fillbook.schema.raw import RawTables
from fillbook.sources import base
from fillbook.sources.listing import installed_sources
from fillbook.testing.databases import write_database
from fillbook.testing.sources import CHECKS, NotConformingError, Specimen, conforms
from sources.rows import PAIR

STRANGER = Path(__file__).parents[1] / "stranger"
LINES = (
    "# ledger 1\n"
    "1700000000000 buy 2 ABC-USDT 100.5 0.02\n"
    "1700000060000 sell 1 ABC-USDT 101 0.01\n"
    "1700000120000 sell 1 ABC-USDT 102.25 0.01\n"
)


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A file of the stranger's, whose package is on the path."""
    monkeypatch.syspath_prepend(str(STRANGER))
    base._classes.cache_clear()
    path = tmp_path / "maker" / "maker.ledger"
    path.parent.mkdir()
    path.write_text(LINES)
    yield path
    base._classes.cache_clear()


def same_in_sqlite(path: Path) -> Path:
    rows = [
        ("BUY", 2.0, 100.5, 0.02, 1_700_000_000_000), ("SELL", 1.0, 101.0, 0.01, 1_700_000_060_000),
        ("SELL", 1.0, 102.25, 0.01, 1_700_000_120_000),
    ]  # fmt: skip
    return write_database(path, {"TradeFill": [
        {
            **PAIR, "timestamp": at, "order_id": f"o{i}", "exchange_trade_id": f"t{i}", "trade_type": side,
            "amount": amount, "price": price,
            "trade_fee": {"percent": "0", "percent_token": None, "flat_fees": [{"token": "USDT", "amount": fee}]},
        }
        for i, (side, amount, price, fee, at) in enumerate(rows, 1)
    ]})  # fmt: skip


def test_a_strangers_source_conforms(ledger: Path) -> None:
    from fillbook.testing.sources import Specimen, conforms

    conforms(Specimen(str(ledger), reference=same_in_sqlite(ledger.parent / "maker.sqlite")))


def test_a_strangers_address_is_found_by_its_scheme(ledger: Path, tmp_path: Path) -> None:
    conforms(Specimen(f"ledgers://{ledger.parent}", bad=(f"ledgers://{tmp_path}",)))
    assert fillbook.open_data(f"ledgers://{ledger.parent}").fills.height == 3


def test_without_the_package_nobody_reads_it(tmp_path: Path) -> None:
    (tmp_path / "maker.ledger").write_text(LINES)
    with pytest.raises(UnreadableSourceError, match="neither"):
        base.open_source(str(tmp_path / "maker.ledger"))
    with pytest.raises(UnreadableSourceError, match="scheme ledgers://"):
        base.open_source(f"ledgers://{tmp_path}")


def test_a_source_that_cannot_be_loaded_is_named_and_stops_nobody(ledger: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing")
    with pytest.raises(UnreadableSourceError, match="the source ledger-gone cannot be loaded"):
        base.open_source(str(tmp_path / "notes.txt"))
    assert base.open_source(str(ledger)).read().info.kind == "ledger"


def test_the_list_names_strangers_and_what_they_lack(ledger: Path) -> None:
    found = {source.names[0]: source for source in installed_sources()}
    ours = {name for name, source in found.items() if source.package == "fillbook"}
    assert ours >= set(base.OWN) | {"postgresql"}
    assert all(found[name].opens and found[name].example for name in ours)
    assert found["postgresql"].names == ("postgresql", "postgres")
    assert (found["ledger"].package, found["ledger"].is_ready) == ("fillbook-ledgers", True)
    assert found["ledger"].opens == "ledgers: a line a fill"
    assert (found["ledger-server"].is_ready, found["ledger-server"].why) == (
        False, 'pip install "fillbook-ledgers[server]"',
    )  # fmt: skip
    assert "cannot be loaded" in found["ledger-gone"].why


def test_without_its_driver_a_source_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "adbc_driver_postgresql", None)
    with pytest.raises(MissingExtraError, match=r"fillbook\[postgres\]"):
        base.open_source("postgresql://127.0.0.1:1/db").read()


def _changed(raw: RawTables, **columns: object) -> RawTables:
    fills = raw.tables["fills"].with_columns(**columns)
    return replace(raw, tables={"fills": fills})


MISTAKES = {
    "seconds for milliseconds": ("keeps_to_the_units", lambda raw: _changed(raw, at=pl.from_epoch(pl.lit(1_700_000)).cast(pl.Datetime("us", "UTC")))),
    "sides as Hummingbot's enum": ("keeps_to_the_units", lambda raw: _changed(raw, side=pl.lit(2, dtype=pl.Int8))),
    "pairs without a dash": ("keeps_to_the_units", lambda raw: _changed(raw, pair=pl.lit("ABCUSDT").cast(pl.Categorical))),
    "a fee in percent": ("keeps_to_the_units", lambda raw: _changed(raw, fee_percent=pl.lit(7.5))),
    "prices as text": ("keeps_to_the_data_model", lambda raw: _changed(raw, price_quote=pl.col("price_quote").cast(pl.String))),
    "a column of its own": ("keeps_to_the_data_model", lambda raw: _changed(raw, mood=pl.lit("good"))),
    "rows numbered alike": ("numbers_its_rows", lambda raw: _changed(raw, row=pl.lit(1, dtype=pl.Int64))),
    "numbers its own file": ("numbers_its_rows", lambda raw: _changed(raw, source=pl.lit(3, dtype=pl.Int64))),
    "no hash": ("says_what_it_read", lambda raw: replace(raw, info=replace(raw.info, sha256=""))),
    "the password shown": ("says_what_it_read", lambda raw: replace(raw, info=replace(raw.info, uri="ledger://me:hush@host"))),
    "rows miscounted": ("says_what_it_read", lambda raw: replace(raw, info=replace(raw.info, rows={"fills": 2}))),
    "prices a thousandfold": ("agrees_with_its_reference", lambda raw: _changed(raw, price_quote=pl.col("price_quote") * 1000.0)),
    "a fill lost": ("agrees_with_its_reference", lambda raw: replace(raw, tables={"fills": raw.tables["fills"].head(2)}, info=replace(raw.info, rows={"fills": 2}))),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_the_kit_sees_a_mistake(ledger: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    import fillbook_ledgers

    check, change = MISTAKES[name]
    honest = fillbook_ledgers.Ledger.read
    monkeypatch.setattr(fillbook_ledgers.Ledger, "read", lambda self: change(honest(self)))
    with pytest.raises(NotConformingError, match=check):
        conforms(Specimen(str(ledger), reference=same_in_sqlite(ledger.parent / "maker.sqlite")))


def test_the_kit_sees_what_changes_between_two_readings(
    ledger: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fillbook_ledgers

    honest, seen = fillbook_ledgers.Ledger.read, []

    def read(self: fillbook_ledgers.Ledger) -> RawTables:
        seen.append(1)
        return _changed(honest(self), fee_amount=pl.lit(0.01 * len(seen)))

    monkeypatch.setattr(fillbook_ledgers.Ledger, "read", read)
    with pytest.raises(NotConformingError, match="reads_the_same_twice"):
        conforms(Specimen(str(ledger)))


def test_the_kit_sees_what_is_written_beside_the_file(ledger: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import fillbook_ledgers

    honest = fillbook_ledgers.Ledger.read

    def read(self: fillbook_ledgers.Ledger) -> RawTables:
        with Path(f"{self.uri}.cache").open("a") as file:
            file.write("x")
        return honest(self)

    monkeypatch.setattr(fillbook_ledgers.Ledger, "read", read)
    with pytest.raises(NotConformingError, match=r"reading changed maker\.ledger\.cache"):
        conforms(Specimen(str(ledger)))


def test_the_kit_sees_an_error_that_is_not_ours(ledger: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import fillbook_ledgers

    honest = fillbook_ledgers.Ledger.read

    def read(self: fillbook_ledgers.Ledger) -> RawTables:
        if not Path(self.uri).is_file():
            raise KeyError(self.uri)
        return honest(self)

    monkeypatch.setattr(fillbook_ledgers.Ledger, "read", read)
    with pytest.raises(NotConformingError, match="KeyError instead of UnreadableSourceError"):
        conforms(Specimen(str(ledger)))


def test_every_check_says_what_it_is_about() -> None:
    assert all(check.__doc__ for check in CHECKS)
    assert len({check.__name__ for check in CHECKS}) == len(CHECKS)
