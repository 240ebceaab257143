"""What every test may ask for."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from cli.command_line import Ran, Run

BESIDE = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real databases and exports, which users do not have."""
    folder = Path(os.environ.get("FILLBOOK_SHARED", BESIDE))
    if not folder.is_dir():
        pytest.skip(f"needs real data, and {folder} is no folder (FILLBOOK_SHARED names another)")
    return folder


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's folder, written once, below a user data folder of its own."""
    from fillbook.demo import demo_folder, write_demo

    home = tmp_path_factory.mktemp("home")
    folder = home / "fillbook" / demo_folder().name
    write_demo(folder)
    return folder


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """The command line, run in this process."""
    from fillbook.cli.main import main

    def ran(*words: object) -> Ran:
        monkeypatch.setattr(sys, "argv", ["fillbook", *(str(word) for word in words)])
        with pytest.raises(SystemExit) as ended:
            main()
        held = capsys.readouterr()
        return Ran(int(ended.value.code or 0), held.out, held.err)

    return ran
