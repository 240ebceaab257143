from pathlib import Path

from cli.command_line import Run
from fillbook.cli import docs
from fillbook.metrics.evaluate import load_metrics
from fillbook.schema.tables import TABLES

PAGES = ("metrics.md", "cli.md", "data-model.md")


def test_pages_are_written_once_and_then_fresh(run: Run, tmp_path: Path) -> None:
    assert run("docs", "--check", "--folder", tmp_path).code == 1
    assert run("docs", "--write", "--folder", tmp_path).code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(PAGES)
    assert run("docs", "--check", "--folder", tmp_path).code == 0


def test_a_page_edited_by_hand_is_stale(run: Run, tmp_path: Path) -> None:
    run("docs", "--write", "--folder", tmp_path)
    (tmp_path / "cli.md").write_text("mine")
    said = run("docs", "--check", "--folder", tmp_path)
    assert (said.code, said.err) == (1, "stale: cli.md; `make docs` writes them anew\n")


def test_check_or_write_must_be_said(run: Run) -> None:
    assert run("docs").code == 2


def test_metrics_page_holds_every_metric() -> None:
    page = docs.metrics_page()
    for key in load_metrics():
        assert f"(`{key}`)" in page


def test_data_model_page_holds_every_column() -> None:
    page = docs.data_model_page()
    for name, schema in TABLES.items():
        assert f"\n## {name}\n" in page
        for column in schema.columns():
            assert f"| `{column}` |" in page


def test_cli_page_holds_every_command_and_option() -> None:
    page = docs.cli_page()
    for name in ("summary", "check", "metrics", "export", "serve", "demo"):
        assert f"\n## {name}\n" in page
    for flag in ("--from", "--close-type", "--mark", "--json", "--table", "--no-open"):
        assert f"`{flag}`" in page
    assert "\n## docs\n" not in page
