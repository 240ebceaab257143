"""PostgreSQL, a real one: the numbers of SQLite, several bots apart, and each failure in its own words."""

from __future__ import annotations

import shutil
import socket
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import fillbook
from fillbook.errors import UnreadableSourceError
from fillbook.schema.raw import RawTables
from fillbook.sources.base import expand, open_source, watched
from fillbook.sources.postgres_address import address_of
from fillbook.sources.postgres_reading import snapshot
from fillbook.testing.databases import write_database, write_large_database
from fillbook.testing.sources import numbers_of
from sources.postgres_server import Server, encrypted, kill, literal, load, running
from sources.rows import AT_MS, fill, order

FILES = (
    "classic_pmm", "mqtt_run", "old_schema_v0.46_20210119", "old_schema_v1.10_20220130",
    "old_schema_v2.4_position_filled_orders", "perp_oneway", "v2_backtest", "v2_multi_controller",
)  # fmt: skip


def refused(uri: str) -> UnreadableSourceError:
    with pytest.raises(UnreadableSourceError) as failed:
        _read_all(uri)
    assert failed.value.remedy
    return failed.value


def _read_all(uri: str) -> None:
    for part in expand(uri):
        open_source(part).read()


def large(server: Server, database: str, path: Path) -> str:
    """Sixty thousand fills: more than any buffer on the way holds."""
    uri = load(server, database, write_large_database(path, 100))
    columns = [row for (row,) in server.query(database, COLUMNS_OF_FILLS).iter_rows()]
    changed = {"timestamp": '"timestamp" + g * 1000', "order_id": '"order_id" || g'}
    listed = ", ".join(changed.get(name, f'"{name}"') for name in columns)
    server.execute(
        database, f'INSERT INTO "TradeFill" SELECT {listed} FROM "TradeFill", generate_series(1, 599) g'
    )
    return uri


COLUMNS_OF_FILLS = "SELECT column_name::text FROM information_schema.columns WHERE table_name = 'TradeFill' ORDER BY ordinal_position"


def rules(raw: RawTables) -> set[str]:
    return {finding.rule for finding in raw.findings}


@pytest.mark.parametrize("name", FILES)
def test_real_bots_have_the_same_summary(
    shared_data: Path, postgres: Server, tmp_path: Path, name: str
) -> None:
    from fillbook.analysis.overview import overview
    from fillbook.reports.json import to_json
    from fillbook.reports.summary import summary_object

    original = shared_data / "generated" / f"{name}.sqlite"
    with postgres.database(name) as database:
        uri = load(postgres, database, original) + "&split=no"
        bot = open_source(uri).read().info.bot
        copy = shutil.copyfile(
            original, tmp_path / f"{bot}.sqlite"
        )  # SQLite's bots are called after the file

        def summary(source: str) -> str:
            data = fillbook.open_data(source, clock=datetime(2100, 1, 1, tzinfo=UTC))
            whole = summary_object(overview(data), data)
            del whole["sources"]
            return to_json(whole).replace(data.lineage.files[0].uri, "")

        assert summary(uri) == summary(str(copy))


def test_several_bots_of_one_database_are_several_sources(shared_data: Path, postgres: Server) -> None:
    original = shared_data / "generated" / "classic_pmm.sqlite"
    with postgres.database() as database:
        uri = load(postgres, database, original)
        configs = ["conf_pure_mm_eth.yml", "conf_pure_mm_kucoin_paper.yml", "conf_pure_mm_wld.yml"]
        assert expand(uri) == [f"{uri}&bot={config}" for config in configs]
        data = fillbook.open_data(uri)
        whole = open_source(str(original)).read()
        assert sorted(map(str, data.fills["bot"].unique())) == [
            config.removesuffix(".yml") for config in configs
        ]
        for table in ("fills", "orders", "order_events", "quotes"):
            assert data.tables[table].height == whole.tables[table].height, table
        assert not [f for f in data.findings if f.severity.value == "error"]


def shared_database(path: Path) -> Path:
    """Two bots with controllers in one database: what names orders is told apart, the rest is said."""
    executor = {"timestamp": AT_MS / 1000, "type": "position_executor", "close_type": 5, "net_pnl_quote": 1.0,
                "cum_fees_quote": 0.1, "filled_amount_quote": 10.0, "config": {}}  # fmt: skip
    position = {
        "connector_name": "binance", "side": "BUY", "trading_pair": "ABC-USDT", "timestamp": AT_MS,
        "volume_traded_quote": 1.0, "amount": 1.0, "breakeven_price": 1.0, "unrealized_pnl_quote": 0.0,
        "realized_pnl_quote": 0.0, "cum_fees_quote": 0.0,
    }  # fmt: skip
    return write_database(path, {
        "TradeFill": [fill(1, config_file_path="a.yml"), fill(2, config_file_path="b.yml")],
        "Order": [order(1, config_file_path="a.yml"), order(2, config_file_path="b.yml")],
        "OrderStatus": [{"id": i, "order_id": f"o{i}", "timestamp": AT_MS, "status": "BuyOrderCreated"} for i in (1, 2)],
        "Executors": [
            {**executor, "id": "of-a", "controller_id": "ca", "custom_info": {"order_ids": ["o1"]}},
            {**executor, "id": "of-b", "controller_id": "cb", "custom_info": {"filled_orders": [{"client_order_id": "o2"}]}},
            {**executor, "id": "of-a-by-controller", "controller_id": "ca", "custom_info": {}},
            {**executor, "id": "no-one's", "controller_id": "cx", "custom_info": {"order_ids": None, "order_id": "gone"}},
        ],
        "Controllers": [
            {"id": c, "controller_id": i, "timestamp": 1.0, "type": "generic", "config": {}}
            for i, c in enumerate(("ca", "cb", "cx"))
        ],
        "Position": [{**position, "id": c, "controller_id": c} for c in ("ca", "cb", "cx")],
    })  # fmt: skip


def test_executors_of_a_shared_database_are_whose_orders_they_name(postgres: Server, tmp_path: Path) -> None:
    with postgres.database() as database:
        uri = load(postgres, database, shared_database(tmp_path / "both.sqlite"))
        a, b = (open_source(part).read() for part in expand(uri))
        assert (a.info.bot, b.info.bot) == ("a", "b")
        assert a.tables["executors"]["executor_id"].to_list() == ["of-a", "of-a-by-controller"]
        assert b.tables["executors"]["executor_id"].to_list() == ["of-b"]
        for raw, controller in ((a, "ca"), (b, "cb")):
            assert raw.tables["controllers"]["controller_id"].to_list() == [controller]
            assert raw.tables["positions"]["controller_id"].to_list() == [controller]
            assert raw.tables["order_events"].height == 1
        no_ones = {f.table: f.n_rows for f in a.findings if f.rule == "no_ones_row"}
        assert no_ones == {"Executors": 1, "Controllers": 1, "Position": 1}
        whole = open_source(f"{uri}&split=no").read()
        assert whole.info.rows["executors"] == 4
        assert "no_ones_row" not in rules(whole)


def test_a_period_is_asked_of_the_server(postgres: Server, tmp_path: Path) -> None:
    rows = [
        fill(i, timestamp=AT_MS + 86_400_000 * i) for i in range(10)
    ]  # a fill a day from 2022-04-15 05:20
    funding = [
        {"timestamp": (AT_MS + 86_400_000 * i) // (1 if i % 2 else 1_000), "config_file_path": "conf_bot.yml",
         "market": "bybit_perpetual", "symbol": "ABC-USDT", "rate": 0.1, "amount": 1.0}
        for i in range(10)
    ]  # fmt: skip
    with postgres.database() as database:
        path = write_database(tmp_path / "bot.sqlite", {"TradeFill": rows, "FundingPayment": funding})
        uri = load(postgres, database, path)
        raw = open_source(f"{uri}&from=2022-04-16T05:20&to=2022-04-19T05:20:00%2B00:00").read()
        assert raw.info.rows == {"fills": 3, "funding": 3}
        assert raw.tables["fills"]["order_id"].to_list() == ["o1", "o2", "o3"]
        assert "period_asked_for" in rules(raw)


def test_nothing_can_be_written_and_all_tables_are_of_one_moment(postgres: Server, tmp_path: Path) -> None:
    with postgres.database() as database:
        path = write_database(tmp_path / "bot.sqlite", {"TradeFill": [fill(1)], "Order": [order(1)]})
        uri = load(postgres, database, path)
        with snapshot(address_of(uri)) as taken:
            count = 'SELECT count(*) AS "n" FROM "TradeFill"'
            assert taken.query(count, "TradeFill").item() == 1
            postgres.execute(database, 'INSERT INTO "TradeFill" SELECT * FROM "TradeFill"')  # a bot trades on
            assert taken.query(count, "TradeFill").item() == 1
            with pytest.raises(UnreadableSourceError, match="read-only transaction"):
                taken.query('DELETE FROM "TradeFill" RETURNING 1', "TradeFill")
        assert postgres.query(database, 'SELECT count(*) FROM "TradeFill"').item() == 2


def test_a_table_that_cannot_be_read_spoils_no_other(postgres: Server, tmp_path: Path) -> None:
    with postgres.database() as database:
        uri = load(postgres, database, shared_database(tmp_path / "both.sqlite"))
        postgres.execute(
            database, """UPDATE "Executors" SET config = '{"side": "\\u0000"}' WHERE id = 'of-a'"""
        )
        whole = open_source(f"{uri}&split=no").read()
        assert whole.info.rows == {
            "fills": 2,
            "orders": 2,
            "order_events": 2,
            "controllers": 3,
            "positions": 3,
        }
        lost = [finding for finding in whole.findings if finding.rule == "damaged_table"]
        assert [finding.table for finding in lost] == ["Executors"]
        assert "Unicode escape" in lost[0].message
        postgres.execute(database, """UPDATE "Executors" SET custom_info = '{"order_ids": ["\\u0000"]}'""")
        assert {"fills", "orders"} <= set(open_source(expand(uri)[0]).read().info.rows)


def test_odd_cells_are_listed_as_text(postgres: Server, tmp_path: Path) -> None:
    odd = [fill(1, trade_fee={"flat_fees": 7}), fill(2, trade_type="HOLD"), fill(3, trade_type="RANGE")]
    with postgres.database() as database:
        path = write_database(tmp_path / "conf_bot.sqlite", {"TradeFill": odd})
        raw = open_source(load(postgres, database, path)).read()
        same = open_source(str(path)).read()
        key = ["column", "row"]
        assert raw.unreadable.sort(key).rows() == same.unreadable.sort(key).rows()
        assert raw.unreadable["value"].to_list() == ['{"flat_fees": 7}', "HOLD"]


def test_tables_that_are_missing_or_foreign(postgres: Server, tmp_path: Path) -> None:
    with postgres.database() as database:
        assert "no table you can see" in str(refused(postgres.at(database)))
        postgres.execute(database, "CREATE TABLE notes (id int)")
        assert "it holds notes" in str(refused(postgres.at(database)))
        uri = load(
            postgres,
            database,
            write_database(tmp_path / "b.sqlite", {"TradeFill": [fill(1)], "Order": [order(1)]}),
        )
        postgres.execute(database, 'DROP TABLE "Order"')
        assert "missing_table" in rules(open_source(uri).read())
        postgres.execute(database, 'ALTER TABLE "TradeFill" DROP COLUMN price')
        assert "has no column price" in str(refused(uri)) or "price" in str(refused(uri))
        assert "has no bot with the configuration x.yml; it holds conf_bot.yml" in str(
            refused(f"{uri}&bot=x.yml")
        )


def test_addresses_that_are_none() -> None:
    for uri in (
        "postgresql://host:port/db", "postgresql://me:pa/ss@host/db", "postgresql://me:12#ss@host/db",
        "postgresql://me:12?ss@host/db", "postgresql://host/db?split=maybe", "postgresql://host/db?tables=all",
        "postgresql://host/db?from=once",
    ):  # fmt: skip
        assert "ss@" not in str(refused(uri))


def test_who_may_not_come_in(own_postgres: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = own_postgres
    with server.database() as database:
        path = write_database(tmp_path / "b.sqlite", {"TradeFill": [fill(1)], "Order": [order(1)], "OrderStatus": [
            {"id": 1, "order_id": "o1", "timestamp": AT_MS, "status": "BuyOrderCreated"}
        ]})  # fmt: skip
        load(server, database, path)
        server.execute(
            database, "DROP ROLE IF EXISTS locked", "CREATE ROLE locked LOGIN PASSWORD 'S3cret pass@%'",
            "CREATE ROLE stranger LOGIN",
        )  # fmt: skip
        assert "asks for a password" in str(refused(server.tcp(database, "locked")))
        wrong = refused(server.tcp(database, "locked", "wr0ngwr0ng"))
        assert "refuses the name or the password" in str(wrong)
        assert "wr0ng" not in f"{wrong}{wrong!r}"
        assert "does not let you in from here" in str(refused(server.tcp(database, "stranger")))
        assert "has no database of that name" in str(refused(server.tcp("nowhere")))
        assert "does not answer: nothing listens" in str(refused("postgresql://me@127.0.0.1:1/db"))
        assert "host that nobody knows" in str(refused("postgresql://me@no-such-host.invalid/db"))
        assert "option" in str(refused(server.tcp(database, more="?colour=red")))

        right = server.tcp(database, "locked", "S3cret%20pass%40%25")
        assert "does not let you read table" in str(refused(right))
        assert 'GRANT SELECT ON "' in str(refused(right))
        server.execute(database, 'GRANT SELECT ON "TradeFill", "Order" TO locked')
        raw = open_source(right).read()
        assert raw.info.rows == {"fills": 1, "orders": 1}
        assert {f.table for f in raw.findings if f.rule == "damaged_table"} >= {"OrderStatus"}
        for name, value in (
            ("PGPASSWORD", "S3cret pass@%"),
            ("FILLBOOK_POSTGRESQL_PASSWORD", "S3cret pass@%"),
        ):
            with monkeypatch.context() as environment:
                environment.setenv(name, value)
                assert open_source(server.tcp(database, "locked")).read().info.rows == raw.info.rows
        passes = tmp_path / "pgpass"
        passes.write_text(f"127.0.0.1:{server.port}:*:locked:S3cret pass@%\n")
        passes.chmod(0o600)
        monkeypatch.setenv("PGPASSFILE", str(passes))
        assert open_source(server.tcp(database, "locked")).read().info.rows == raw.info.rows
        server.execute(database, "DROP OWNED BY locked", "DROP ROLE locked", "DROP ROLE stranger")


@given(password=st.text("abcXYZ0189 %@/?#:'\\\"&=+~$", min_size=6, max_size=14).map(lambda text: f"S3{text}"))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_text_holds_the_password(own_postgres: Server, password: str) -> None:
    from urllib.parse import quote

    quoted = quote(password, safe="")
    for uri in (
        own_postgres.tcp("nowhere", "locked", quoted), own_postgres.tcp("nowhere", "locked", password),
        f"postgresql://no-such-host.invalid/db?user=me&password={quoted}",
        f"postgresql://me:{quoted}@127.0.0.1:1/db?colour=red",
    ):  # fmt: skip
        try:
            source = open_source(uri)
            said = [repr(source), source.uri]
            source.read()
        except UnreadableSourceError as error:
            said += [str(error), repr(error), error.uri, error.why]
            said += [str(error.__cause__), repr(error.__cause__)]
        assert len(said) > 2, "was read"
        for text in said:
            assert password not in text
            assert quoted not in text


@given(password=st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=20))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_password_comes_through(own_postgres: Server, password: str) -> None:
    from urllib.parse import quote

    secret = password.replace("'", "''")
    own_postgres.execute(
        "postgres", "DROP ROLE IF EXISTS locked", f"CREATE ROLE locked LOGIN PASSWORD '{secret}'"
    )  # fmt: skip
    for uri in (
        own_postgres.tcp("postgres", "locked", quote(password, safe="")),
        own_postgres.tcp("postgres", more=f"?user=locked&password={quote(password, safe='')}").replace(
            "postgres@", ""
        ),
    ):
        with snapshot(address_of(uri)) as taken:
            assert taken.query('SELECT current_user::text AS "me"', "pg_user").item() == "locked"


@given(
    name=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=12)
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_bot_of_any_name_is_found(named: tuple[Server, str], name: str) -> None:
    server, database = named
    server.execute(
        database, f"""UPDATE "TradeFill" SET config_file_path = {literal(name)} WHERE order_id = 'o1'"""
    )
    uri = server.at(database)
    found = {part: open_source(part).read().tables["fills"]["order_id"].to_list() for part in expand(uri)}
    assert sorted(found.values()) == [["o1"], ["o2"]] or (
        name == "b.yml" and list(found.values()) == [["o1", "o2"]]
    )


@pytest.fixture
def named(postgres: Server, tmp_path: Path) -> Iterator[tuple[Server, str]]:
    path = write_database(tmp_path / "b.sqlite", {"TradeFill": [fill(1), fill(2, config_file_path="b.yml")]})
    with postgres.database() as database:
        load(postgres, database, path)
        yield postgres, database


def test_a_bot_in_a_file_and_in_a_database_is_one_bot(postgres: Server, tmp_path: Path) -> None:
    path = write_database(
        tmp_path / "conf_bot.sqlite", {"TradeFill": [fill(1), fill(2)], "Order": [order(1)]}
    )
    with postgres.database() as database:
        uri = load(postgres, database, path)
        alone, both = fillbook.open_data(path), fillbook.open_data(path, uri)
        assert both.fills.height == 2
        assert both.fills["bot"].unique().to_list() == ["conf_bot"]
        assert numbers_of(both) == numbers_of(alone)


def test_tls(own_postgres: Server, tmp_path: Path) -> None:
    server = own_postgres
    path = write_database(tmp_path / "b.sqlite", {"TradeFill": [fill(1)]})
    with server.database() as database, encrypted(server, tmp_path) as (port, certificate):
        load(server, database, path)
        plain = server.tcp(database)
        assert "does not speak TLS" in str(refused(f"{plain}?sslmode=require"))
        safe = plain.replace(f":{server.port}/", f":{port}/")
        checked = f"{safe}?sslmode=verify-full"
        assert open_source(f"{safe}?sslmode=require").read().info.rows == {"fills": 1}
        assert open_source(f"{checked}&sslrootcert={certificate}").read().info.rows == {"fills": 1}
        unknown = refused(f"{checked}&sslrootcert={tmp_path}/gone.crt")
        assert "cannot be spoken to over TLS" in str(unknown)
        with (
            encrypted(server, tmp_path / "..")
            if False
            else encrypted(server, _folder(tmp_path, "other")) as (_, other)
        ):
            assert "certificate verify failed" in str(refused(f"{checked}&sslrootcert={other}"))


def _folder(path: Path, name: str) -> Path:
    (path / name).mkdir()
    return path / name


def test_a_reader_that_is_thrown_out_in_mid_read_says_so(postgres: Server, tmp_path: Path) -> None:
    with postgres.database() as database:
        uri = large(postgres, database, tmp_path / "large.sqlite")
        ended: list[float] = []

        def end(share: float) -> None:
            if share > 0.0 and not ended:
                ended.append(share)
                postgres.execute(
                    "postgres", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    f"WHERE datname = '{database}' AND application_name = 'fillbook'",
                )  # fmt: skip

        with (
            watched(end),
            pytest.raises(UnreadableSourceError, match="went away while table TradeFill") as failed,
        ):
            open_source(uri).read()
        assert 0.0 < ended[0] < 1.0
        assert failed.value.remedy
        assert open_source(uri).read().info.rows == {"fills": 60_000}


def test_a_server_that_dies_in_mid_read_says_so(tmp_path: Path) -> None:
    with running() as server:
        uri = large(server, "postgres", tmp_path / "large.sqlite")
        dead: list[float] = []

        def die(share: float) -> None:
            if share > 0.0 and not dead:
                dead.append(share)
                kill(server)

        with watched(die), pytest.raises(UnreadableSourceError, match="went away while table TradeFill"):
            open_source(uri).read()
        assert "nothing listens there" in str(refused(uri))


def test_a_server_that_says_nothing_is_not_waited_for(tmp_path: Path) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        began = time.monotonic()
        error = refused(f"postgresql://me@127.0.0.1:{silent.getsockname()[1]}/db?connect_timeout=2")
        assert "does not answer in time" in str(error)
        assert time.monotonic() - began < 10.0


def test_two_readers_at_once(postgres: Server, tmp_path: Path) -> None:
    with postgres.database() as database:
        uri = load(postgres, database, write_large_database(tmp_path / "large.sqlite", 500))
        found: list[str] = []
        readers = [
            threading.Thread(target=lambda: found.append(open_source(uri).read().info.sha256))
            for _ in range(3)
        ]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join()
        assert len(found) == 3
        assert len(set(found)) == 1


def test_where_rows_lie_does_not_matter(postgres: Server, tmp_path: Path) -> None:
    """Updates and a VACUUM FULL move rows about; what was read, and its hash, stay."""
    fills = [fill(i, timestamp=AT_MS) for i in range(50)]  # of one moment: only their order tells them apart
    with postgres.database() as database:
        path = write_database(
            tmp_path / "b.sqlite", {"TradeFill": fills, "Order": [order(i) for i in range(50)]}
        )
        uri = load(postgres, database, path)
        before = open_source(uri).read()
        postgres.execute(
            database, """UPDATE "Order" SET last_status = last_status WHERE id < 'o3'""", 'VACUUM FULL "Order"',
        )  # fmt: skip
        assert open_source(uri).read().info.sha256 == before.info.sha256
        assert before.tables["fills"]["order_id"].to_list() == [f["order_id"] for f in fills]
