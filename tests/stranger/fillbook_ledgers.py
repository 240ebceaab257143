"""A stranger's sources: a file of lines ``ms side amount pair price fee``, and ``ledgers://FOLDER`` of them."""

import hashlib
from pathlib import Path

import polars as pl

from fillbook.errors import UnreadableSourceError
from fillbook.schema.raw import RawTables, SourceInfo
from fillbook.schema.tables import dtypes_of

HEAD = "# ledger 1\n"
COLUMNS = {
    "ms": pl.Int64,
    "side": pl.String,
    "amount": pl.Float64,
    "pair": pl.String,
    "price": pl.Float64,
    "fee": pl.Float64,
}


class Ledger:
    """Ledgers: a line a fill."""

    opens = "ledgers: a line a fill"
    example = "maker.ledger"

    def __init__(self, uri: str) -> None:
        self.uri = uri

    @classmethod
    def matches(cls, path: Path) -> bool:
        with path.open("rb") as file:
            return file.readline() == HEAD.encode()

    def read(self) -> RawTables:
        path, remedy = Path(self.uri), f"begin it with {HEAD!r}"
        try:
            content = path.read_bytes()
            lines = pl.read_csv(content, separator=" ", has_header=False, schema=COLUMNS, comment_prefix="#")
        except (OSError, pl.exceptions.PolarsError) as error:
            raise UnreadableSourceError(self.uri, f"is no ledger ({error})", remedy) from error
        if not content.startswith(HEAD.encode()):
            raise UnreadableSourceError(self.uri, "is no ledger: its first line is another", remedy)
        parts = pl.col("pair").str.split("-")
        columns = {
            "source": 0, "row": pl.int_range(1, pl.len() + 1), "bot": pl.lit(path.stem), "config": pl.lit(""),
            "strategy": pl.lit(""), "connector": pl.lit("binance"), "pair": "pair", "base": parts.list.first(),
            "quote": parts.list.last(), "at": pl.from_epoch("ms", time_unit="ms").dt.replace_time_zone("UTC"),
            "order_id": pl.format("o{}", pl.int_range(1, pl.len() + 1)), "trade_id": pl.format("t{}", pl.int_range(1, pl.len() + 1)),
            "side": pl.when(pl.col("side") == "buy").then(1).otherwise(-1), "order_type": pl.lit("LIMIT"),
            "price_quote": "price", "amount_base": "amount", "quantum": 0.0, "fee_percent": 0.0,
            "fee_token": parts.list.last(), "fee_amount": "fee",
        }  # fmt: skip
        model = dtypes_of("fills")
        fills = lines.select(
            (pl.col(value) if isinstance(value, str) else value if isinstance(value, pl.Expr) else pl.lit(value))
            .cast(model[name]).alias(name)
            for name, value in columns.items()
        )  # fmt: skip
        info = SourceInfo(
            self.uri, "ledger", path.stem, None, "plain units", len(content), hashlib.sha256(content).hexdigest(),
            {"fills": fills.height},
        )  # fmt: skip
        return RawTables(info, {"fills": fills})


class LedgerFolder(Ledger):
    """Every ledger of a folder."""

    opens = "folders of ledgers"
    example = "ledgers://FOLDER"

    @classmethod
    def matches(cls, path: Path) -> bool:
        return False

    @classmethod
    def expand(cls, uri: str) -> list[str]:
        folder = Path(uri.removeprefix("ledgers://"))
        found = sorted(str(path) for path in folder.glob("*.ledger"))
        if not found:
            raise UnreadableSourceError(uri, "holds no ledger", "name a folder of files that end in .ledger")
        return found


class LedgerServer(LedgerFolder):
    """Ledgers of a server, whose driver nobody has."""

    example = "ledger-server://host"
    extra, drivers = "server", ("no_such_driver",)
