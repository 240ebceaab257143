import json

from cli.command_line import Run
from fillbook.metrics.evaluate import load_metrics


def test_all_by_group(run: Run) -> None:
    said = run("metrics")
    assert said.code == 0
    for key, metric in load_metrics().items():
        assert f"{key} " in said.out
        assert f"{metric.group}\n" in "\n".join(line.rstrip() for line in said.out.splitlines())


def test_one_in_full(run: Run) -> None:
    said = run("metrics", "profit_factor")
    assert said.out.startswith("Profit factor (profit_factor)\n")
    for part in ("meaning", "formula", "source", "undefined"):
        assert f" {part}  " in said.out


def test_json(run: Run) -> None:
    assert json.loads(run("metrics", "net_pnl", "--json").out)["unit"] == "money"
    assert len(json.loads(run("metrics", "--json").out)) == len(load_metrics())


def test_a_key_that_is_none_names_the_nearest(run: Run) -> None:
    said = run("metrics", "net_pln")
    assert (said.code, said.err) == (
        2,
        "fillbook: there is no metric 'net_pln'; did you mean net_pnl, inventory_pnl?\n",
    )
