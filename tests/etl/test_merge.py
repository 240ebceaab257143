"""Numbering of files, and which of them are one bot."""

from __future__ import annotations

from fillbook.etl.merge import bot_names, numbered, stacked
from fillbook.schema.raw import SourceInfo
from fillbook.testing.tables import fills, raw_tables


def info(uri: str, bot: str, kind: str = "hummingbot_sqlite") -> SourceInfo:
    return raw_tables(uri=uri, bot=bot, kind=kind).info


def test_databases_come_first_then_by_address_whatever_was_given_first() -> None:
    csv = raw_tables(uri="a.csv", kind="trades_csv", fills=fills(at=[1]))
    b, a = (raw_tables(uri=u, fills=fills(at=[t])) for u, t in (("b.sqlite", 2), ("a.sqlite", 3)))
    for given in ([csv, b, a], [a, b, csv], [b, csv, a]):
        ordered, findings = numbered(given)
        assert [raw.info.uri for raw in ordered] == ["a.sqlite", "b.sqlite", "a.csv"]
        assert findings == ()


def test_the_same_bytes_are_read_once_and_said() -> None:
    one, copy = raw_tables(uri="a.sqlite", fills=fills()), raw_tables(uri="b.sqlite", fills=fills())
    ordered, (finding,) = numbered([copy, one])
    assert [raw.info.uri for raw in ordered] == ["a.sqlite"]
    assert (finding.rule, finding.source) == ("same_file", "b.sqlite")


def test_rows_are_numbered_and_stand_in_the_order_of_their_file() -> None:
    rows = stacked(
        "fills",
        [raw_tables(fills=fills(row=[2, 1])), raw_tables(fills=fills(row=[1]))],
    )
    assert rows.select("source", "row").rows() == [(0, 1), (0, 2), (1, 1)]


def test_missing_columns_are_null_or_blank() -> None:
    raw = raw_tables(fills=fills(side=[1]).drop("leverage", "config", "quantum"))
    row = stacked("fills", [raw]).row(0, named=True)
    assert (row["leverage"], row["config"], row["quantum"]) == (None, "", 0.0)


def test_files_that_share_rows_are_one_bot_named_by_the_first() -> None:
    files = [info("a", "one"), info("b", "two"), info("c", "three"), info("d", "four")]
    assert bot_names(files, [(0, 2), (2, 3)]) == ("one", "two", "one", "one")


def test_bots_of_the_same_name_are_told_apart_by_folder_or_number() -> None:
    files = [
        info("x/conf.sqlite", "conf"),
        info("y/conf.sqlite", "conf"),
        info("conf.sqlite", "conf"),
    ]
    assert bot_names(files, []) == ("conf (x)", "conf (y)", "conf")
    twice = [info("x/conf.sqlite", "conf"), info("x/conf.db", "conf")]
    assert bot_names(twice, []) == ("conf (x)", "conf (x) 2")


def test_a_checkpoint_of_two_bots_does_not_make_them_one() -> None:
    files = [info("a", "one"), info("b", "two"), info("c", "check", "checkpoint_sqlite")]
    assert bot_names(files, [(0, 2), (1, 2)]) == ("one", "two", "check")
    assert bot_names(files, [(0, 2)]) == ("one", "two", "one")


def test_a_candle_file_does_not_take_a_bots_name() -> None:
    files = [info("x/conf.sqlite", "conf"), info("x/conf.csv", "conf", "candles")]
    assert bot_names(files, []) == ("conf", "conf")
