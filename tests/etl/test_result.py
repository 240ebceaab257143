"""Laws of the whole ETL: what was read twice, split or shuffled gives the same book."""

from __future__ import annotations

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from fillbook.etl import performance_etl
from fillbook.findings import Finding, Severity
from fillbook.schema.raw import RawTables
from fillbook.schema.tables import TABLES
from fillbook.testing.tables import CLOCK, fills, orders, raw_tables, table

BOOKED = ["connector", "pair", "at", "order_id", "trade_id", "side", "price_quote", "amount_base"]


def book(*raws: RawTables) -> pl.DataFrame:
    return performance_etl(raws, clock=CLOCK).tables["fills"]


@st.composite
def histories(draw: st.DrawFn) -> pl.DataFrame:
    """Fills of one bot in the order it wrote them, several a second, ids unique."""
    n = draw(st.integers(3, 12))
    steps = draw(st.lists(st.integers(0, 2), min_size=n, max_size=n))
    return fills(
        at=[sum(steps[: i + 1]) for i in range(n)],
        side=draw(st.lists(st.sampled_from([1, -1]), min_size=n, max_size=n)),
        price_quote=draw(st.lists(st.floats(0.01, 100.0), min_size=n, max_size=n)),
        amount_base=draw(st.lists(st.floats(0.01, 100.0), min_size=n, max_size=n)),
    )


@given(histories(), st.data())
@settings(max_examples=200, deadline=None)
def test_overlapping_parts_give_the_whole(whole: pl.DataFrame, data: st.DataObject) -> None:
    """Two files of one bot that share at least a fill are one book, row for row."""
    end = data.draw(st.integers(1, whole.height), "end of the first file")
    start = data.draw(st.integers(0, end - 1), "start of the second file")
    first = raw_tables(uri="a.sqlite", bot="a", fills=whole.head(end))
    second = raw_tables(uri="b.sqlite", bot="b", fills=whole.slice(start))
    merged = book(first, second)
    assert merged.select(BOOKED).equals(book(raw_tables(fills=whole)).select(BOOKED))
    assert set(merged["bot"]) == {"a"}


@given(st.lists(histories(), min_size=2, max_size=4), st.randoms(use_true_random=False))
@settings(max_examples=200, deadline=None)
def test_the_order_of_files_does_not_matter(parts: list[pl.DataFrame], random: st.Random) -> None:
    """Files with shared, conflicting and repeated ids, in any order: equal tables and findings."""
    raws = [
        raw_tables(uri=f"{n}.sqlite", bot=f"b{n}", fills=part, orders=orders(order_id=["o1", "o2"]))
        for n, part in enumerate(parts)
    ]
    shuffled = random.sample(raws, len(raws))
    one, other = performance_etl(raws, clock=CLOCK), performance_etl(shuffled, clock=CLOCK)
    assert all(one.tables[name].equals(other.tables[name]) for name in TABLES)
    assert one.findings == other.findings
    assert one.lineage == other.lineage


@given(histories())
@settings(max_examples=200, deadline=None)
def test_the_same_file_twice_changes_nothing(whole: pl.DataFrame) -> None:
    raw = raw_tables(uri="a.sqlite", fills=whole)
    copy = raw_tables(uri="copy.sqlite", fills=whole)
    assert book(raw, copy).equals(book(raw))


@given(histories())
@settings(max_examples=200, deadline=None)
def test_a_database_beside_its_export_answers_as_the_export(whole: pl.DataFrame) -> None:
    """The database holds every number truncated to 1e-6; the export holds it exactly."""
    truncated = whole.with_columns(
        (pl.col("price_quote") * 1e6).floor() / 1e6,
        (pl.col("amount_base") * 1e6).floor() / 1e6,
        quantum=pl.lit(1e-6),
    )
    database = raw_tables(fills=truncated, bot="bot")
    export = raw_tables(uri="trades_bot.csv", kind="trades_csv", bot="trades_bot", fills=whole)
    both = book(export, database)
    assert both.select(BOOKED).equals(book(export).select(BOOKED))
    assert both["quantum"].max() == 0.0


@given(histories(), st.randoms(use_true_random=False))
@settings(max_examples=200, deadline=None)
def test_every_row_read_is_kept_dropped_or_refused(whole: pl.DataFrame, random: st.Random) -> None:
    """Some prices 0, some rows twice: read = duplicates + quarantined + kept."""
    spoiled = whole.with_columns(
        pl.Series("price_quote", [p * random.choice([0.0, 1.0, 1.0]) for p in whole["price_quote"]])
    )
    twice = pl.concat([spoiled, spoiled.sample(2, seed=1)])
    twice = twice.with_columns(row=pl.int_range(1, pl.len() + 1))
    result = performance_etl([raw_tables(fills=twice)], clock=CLOCK)
    (step,) = result.lineage.tables
    assert step.read == step.duplicates + step.quarantined + step.kept
    assert step.kept == result.tables["fills"].height


def test_all_tables_are_there_and_keep_the_data_model() -> None:
    given_tables = {name: table(name) for name in TABLES if name != "quarantine"}
    result = performance_etl([raw_tables(**given_tables)], clock=CLOCK)
    assert list(result.tables) == list(TABLES)
    for name, schema in TABLES.items():
        schema.validate(result.tables[name])


def test_nothing_read_gives_empty_tables() -> None:
    result = performance_etl([raw_tables()], clock=CLOCK)
    assert all(rows.is_empty() for rows in result.tables.values())
    assert [finding.rule for finding in result.findings] == ["no_fills"]


def test_the_sources_findings_are_passed_on_with_their_file() -> None:
    own = Finding("fills", "truncated_file", Severity.ERROR, "pages missing")
    result = performance_etl([raw_tables(uri="a.sqlite", findings=(own,))], clock=CLOCK)
    assert result.findings[0].source == "a.sqlite"
    assert result.findings[0].rule == "truncated_file"


def test_duplicates_out_of_order_and_conflicts_of_two_files() -> None:
    """Worked case: o3 of the second file conflicts, o1 repeats, T2 is traded with oneself.

    Kept in order of time, ties by file: o1 (1 s), o2 (2 s, a), o9 (2 s, b), o3 (3 s).
    """
    a = fills(
        order_id=["o3", "o1", "o2"],
        trade_id=["T3", "T1", "T2"],
        at=[3, 1, 2],
        side=[-1, 1, 1],
        price_quote=[103.0, 100.0, 101.0],
    )
    b = fills(
        order_id=["o1", "o9", "o3"],
        trade_id=["T1", "T2", "T3"],
        at=[1, 2, 3],
        side=[1, -1, -1],
        price_quote=[100.0, 101.0, 103.0],
        amount_base=[1.0, 1.0, 2.0],
    )
    result = performance_etl(
        [raw_tables(uri="a.sqlite", fills=a), raw_tables(uri="b.sqlite", fills=b)], clock=CLOCK
    )
    assert result.tables["fills"]["order_id"].to_list() == ["o1", "o2", "o9", "o3"]
    n_rows = {finding.rule: finding.n_rows for finding in result.findings}
    assert n_rows["duplicate_across_files"] == 1
    assert n_rows["conflicting_duplicate"] == 1
    assert n_rows["self_trade_pair"] == 1
