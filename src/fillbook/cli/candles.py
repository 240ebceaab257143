"""``fillbook candles``: fetch the candles that some bots need, and keep or write them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fillbook.cli.choices import AsJson, Uris
from fillbook.errors import BadRequestError, UnreadableSourceError

if TYPE_CHECKING:
    from fillbook.schema.raw import RawTables

_UNTRUSTED = 1
_COLUMNS = ("connector", "pair", "interval_s", "from", "to", "candles", "findings", "address")


def candles(
    uris: Uris,
    *,
    via: Annotated[
        str,
        typer.Option(
            "--via", metavar="ccxt|hummingbot-api://HOST", help="Who gives them: an exchange, or an API."
        ),
    ] = "ccxt",
    interval: Annotated[str, typer.Option("--interval", metavar="1m|5m|1h|…", help="Length.")] = "1m",
    before: Annotated[
        float,
        typer.Option(
            "--before", metavar="DAYS", min=0.0,
            help="How long before a market's first fill; a market's impact is judged by the 30 days before.",
        ),
    ] = 1.0,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", metavar="FOLDER", help="Write a Parquet file a market here, too."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Fetch the candles of the markets that bots traded, and of the tokens they paid fees in.

    What has been fetched is kept (FILLBOOK_CACHE names where), so that no closed candle is asked for twice.
    """
    from fillbook.cli.opening import candle_addresses, opened, progress  # noqa: PLC0415
    from fillbook.sources.base import open_source  # noqa: PLC0415

    addresses = candle_addresses(opened(uris), via, interval=interval, days_before=before)
    if not addresses:
        raise BadRequestError("nothing was traded here, so no candles are needed")
    rows, is_whole = [], True
    with progress() as said:
        for number, address in enumerate(addresses):
            said(f"candles, market {number + 1} of {len(addresses)}", number / len(addresses))
            try:
                raw = open_source(address).read()
            except UnreadableSourceError as error:
                rows.append(_refused(error))
                is_whole = False
            else:
                rows.append(_row(raw))
                is_whole = is_whole and not any(f.severity == "error" for f in raw.findings)
                if output is not None:
                    _write(raw, output, interval)
    _show(rows, as_json=as_json)
    if not is_whole:
        raise typer.Exit(_UNTRUSTED)


def _row(raw: RawTables) -> dict[str, Any]:
    """What came of one market."""
    held = raw.tables["candles"]
    first = held.row(0, named=True)
    return {
        "connector": first["connector"], "pair": first["pair"], "interval_s": first["interval_s"],
        "from": first["at"], "to": held["at"][-1], "candles": held.height,
        "findings": "; ".join(finding.message for finding in raw.findings), "address": raw.info.uri,
    }  # fmt: skip


def _refused(error: UnreadableSourceError) -> dict[str, Any]:
    """A market that gave nothing, and why."""
    return {**dict.fromkeys(_COLUMNS), "candles": 0, "findings": error.why, "address": error.uri}


def _write(raw: RawTables, folder: Path, interval: str) -> None:
    """Candles of a market as the file that other commands open."""
    held = raw.tables["candles"]
    venue, pair = str(held["connector"][0]).replace("/", "-"), held["pair"][0]
    plain = held.select(
        timestamp=held["at"].dt.epoch("s"), open="open_quote", high="high_quote", low="low_quote",
        close="close_quote", volume="volume_base", quote_asset_volume="volume_quote",
    )  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    plain.write_parquet(folder / f"candles_{venue}_{pair}_{interval}.parquet")


def _show(rows: list[dict[str, Any]], *, as_json: bool) -> None:
    from fillbook.cli.screen import console, moment, table  # noqa: PLC0415
    from fillbook.reports.json import plain, to_json  # noqa: PLC0415

    if as_json:
        sys.stdout.write(to_json({"schema": "fillbook.candles/1", "markets": plain(rows)}) + "\n")
        return
    shown = [
        (
            row["connector"] or row["address"], row["pair"] or "",
            *(moment(at) if (at := row[name]) else "" for name in ("from", "to")),
            f"{row['candles']:,}", row["findings"] or "",
        )
        for row in rows
    ]  # fmt: skip
    columns = ("exchange", "pair", "from", "to", "candles", "note")
    console().print(table("candles", columns, shown, right=("candles",)))
