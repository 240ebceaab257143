import json
from pathlib import Path

import pytest

from cli.command_line import Run
from fillbook.testing.databases import write_database

LIMITS = '[sampling]\nevery_s = 60\n[[limit]]\nwhat = "{what}"\nmax = {most}\nclear_after = 1\n'


@pytest.fixture
def bot(tmp_path: Path) -> Path:
    """Buys 2 at 100, sells them at 90 two minutes later."""
    rows = [
        {
            "market": "binance", "symbol": "ABC-USDT", "base_asset": "ABC", "quote_asset": "USDT",
            "timestamp": 1_700_000_000_000 + 120_000 * i, "order_id": f"o{i}", "trade_type": side, "price": price,
            "amount": 2.0, "exchange_trade_id": f"t{i}", "trade_fee_in_quote": 0.0,
            "trade_fee": {"percent": "0", "percent_token": None, "flat_fees": []},
        }
        for i, (side, price) in enumerate([("BUY", 100.0), ("SELL", 90.0)])
    ]  # fmt: skip
    return write_database(tmp_path / "bot.sqlite", {"TradeFill": rows})


def written(folder: Path, what: str, most: float, more: str = "") -> Path:
    path = folder / "limits.toml"
    path.write_text(LIMITS.format(what=what, most=most) + more, "utf-8")
    return path


@pytest.mark.parametrize(("most", "code", "said"), [(30.0, 0, "held all the time"), (15.0, 1, "is exceeded")])
def test_the_exit_code_says_whether_a_limit_was_exceeded(
    run: Run, bot: Path, tmp_path: Path, most: float, code: int, said: str
) -> None:
    ran = run("limits", bot, "--limits", written(tmp_path, "drawdown", most))
    assert ran.code == code
    assert said in ran.out
    assert ("breach" in ran.out) == (code == 1)


def test_the_object_holds_limits_and_episodes(run: Run, bot: Path, tmp_path: Path) -> None:
    ran = run("limits", bot, "--limits", written(tmp_path, "gross_exposure", 150.0), "--json")
    answer = json.loads(ran.out)
    assert (ran.code, answer["schema"], answer["is_breached"]) == (1, "fillbook.limits/1", True)
    (limit,) = answer["limits"]
    assert (limit["name"], limit["max"], limit["state"]) == ("gross exposure", 150.0, "ok")
    assert limit["unit"] == "money"
    (episode,) = answer["episodes"]
    assert episode["peak"] == 200.0
    assert episode["start"].startswith("2023-11-14T22:1")
    assert episode["is_open"] is False


def test_an_example_and_the_kinds_are_told_without_data(run: Run, bot: Path, tmp_path: Path) -> None:
    example = run("limits", "--example")
    assert example.code == 0
    (tmp_path / "mine.toml").write_text(example.out, "utf-8")
    kinds = run("limits", "--kinds")
    assert "daily_loss" in kinds.out
    ran = run("limits", bot, "--limits", tmp_path / "mine.toml")
    assert ran.code == 0
    assert "held all the time" in ran.out or "cannot be told" in ran.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "--limits limits.toml"), (("--limits", "nowhere.toml"), "nowhere.toml cannot be read"),
    ],
)  # fmt: skip
def test_what_is_missing_is_said(run: Run, bot: Path, words: tuple[str, ...], said: str) -> None:
    ran = run("limits", bot, *words)
    assert ran.code == 2
    assert said in ran.err


def test_a_file_without_sources_says_so(run: Run, tmp_path: Path) -> None:
    ran = run("limits", "--limits", written(tmp_path, "drawdown", 1.0))
    assert ran.code == 2
    assert "name what to watch" in ran.err


def test_a_wrong_key_is_said_with_its_line(run: Run, bot: Path, tmp_path: Path) -> None:
    ran = run("limits", bot, "--limits", written(tmp_path, "drawdown", 1.0, "clear_atfer = 2\n"))
    assert ran.code == 2
    assert "line 7: 'clear_atfer' is no key of limit; did you mean 'clear_after'?" in ran.err
