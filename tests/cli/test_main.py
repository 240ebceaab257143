import subprocess
import sys
from pathlib import Path

import pytest

from cli.command_line import Run
from fillbook import __version__

COMMANDS = ("summary", "check", "metrics", "export", "serve", "demo")


def test_help_names_every_command(run: Run) -> None:
    said = run("--help")
    assert said.code == 0
    for name in COMMANDS:
        assert f" {name} " in said.out
    assert " docs " not in said.out


@pytest.mark.parametrize("name", [*COMMANDS, "docs"])
def test_every_command_has_help(run: Run, name: str) -> None:
    said = run(name, "--help")
    assert said.code == 0
    assert f"fillbook {name}" in said.out


def test_version(run: Run) -> None:
    assert run("--version").out == f"fillbook {__version__}\n"


def test_an_error_is_one_message_and_code_2(run: Run, tmp_path: Path) -> None:
    said = run("summary", tmp_path / "none.sqlite")
    assert (said.code, said.out) == (2, "")
    assert said.err == f"fillbook: {tmp_path / 'none.sqlite'}: there is no such file. check the path\n"


@pytest.mark.parametrize("words", [("summary",), ("summary", "a", "--method", "best"), ("sum", "a")])
def test_a_bad_request_is_code_2(run: Run, words: tuple[str, ...]) -> None:
    said = run(*words)
    assert said.code == 2
    assert "Usage: fillbook" in said.err


def test_help_waits_for_no_heavy_library() -> None:
    heavy = {"polars", "numba", "numpy", "pandas", "pyarrow", "scipy", "plotly", "streamlit"}
    program = (
        "import sys; sys.argv = ['fillbook', '--help']\n"
        "from fillbook.cli.main import main\n"
        "try: main()\n"
        f"except SystemExit: sys.exit(','.join({heavy} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_an_answer_waits_for_no_library_it_does_not_use(trades: Path) -> None:
    heavy = {"pandas", "pyarrow", "plotly", "streamlit", "xlsxwriter"}
    program = (
        f"import sys; sys.argv = ['fillbook', 'summary', {str(trades)!r}, '--json']\n"
        "from fillbook.cli.main import main\n"
        "try: main()\n"
        f"except SystemExit: sys.exit(','.join({heavy} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_program_is_installed_under_its_name() -> None:
    program = Path(sys.executable).with_name("fillbook")
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"fillbook {__version__}\n"
