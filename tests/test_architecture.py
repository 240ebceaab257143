"""What must not come back: the mistakes of dashboards before this one, looked for in the source."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import fillbook
from fillbook.web import state

ROOT = Path(fillbook.__file__).parent
MODULES = sorted(ROOT.rglob("*.py"))
TREES = {path: ast.parse(path.read_text("utf-8")) for path in MODULES}
DRAWING = [path for path in MODULES if "figures" in path.relative_to(ROOT).parts]
FUNCTION_LINES, MODULE_LINES = 50, 400
NETWORK = {"requests", "httpx", "aiohttp", "urllib.request", "http.client", "hummingbot"}
ASKS_ITSELF = {
    "cli/serve.py": {"urllib.request"},  # whether its own page is up
    "sources/api_client.py": {"httpx"},  # a server that its user named
}


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def calls(path: Path) -> Iterator[ast.Call]:
    return (node for node in ast.walk(TREES[path]) if isinstance(node, ast.Call))


def called(node: ast.Call) -> str:
    return ast.unparse(node.func)


def code_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function without its docstring."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return body[-1].end_lineno - body[0].lineno + 1 if body else 0  # type: ignore[operator]


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_modules_and_functions_are_small(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) <= MODULE_LINES
    functions = (n for n in ast.walk(TREES[path]) if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef)))
    long = {f.name: code_lines(f) for f in functions if code_lines(f) > FUNCTION_LINES}
    assert not long


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_errors_are_named_and_never_swallowed(path: Path) -> None:
    for node in ast.walk(TREES[path]):
        if isinstance(node, ast.ExceptHandler):
            assert node.type is not None, f"line {node.lineno}: a bare except"
            assert ast.unparse(node.type) not in {"Exception", "BaseException"}, f"line {node.lineno}"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_rows_are_never_walked_through_one_by_one_in_pandas(path: Path) -> None:
    found = {called(node).rsplit(".", 1)[-1] for node in calls(path)}
    assert not found & {"iterrows", "itertuples", "_getframe", "print_exc"}
    assert "inspect.stack" not in {called(node) for node in calls(path)}


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_nothing_calls_a_network_or_a_trading_platform(path: Path) -> None:
    imported: set[str] = set()
    for node in ast.walk(TREES[path]):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom) and node.module:
            imported |= {node.module, node.module.split(".")[0]}
    assert imported & NETWORK <= ASKS_ITSELF.get(name_of(path), set())


@pytest.mark.parametrize("path", DRAWING, ids=name_of)
def test_figures_write_nothing(path: Path) -> None:
    writing = {"open", "write_text", "write_bytes", "to_csv", "write_csv", "write_parquet", "write_html"}
    assert not {called(node).rsplit(".", 1)[-1] for node in calls(path)} & writing


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_colours_live_in_one_place(path: Path) -> None:
    if name_of(path) == "figures/look.py":
        return
    texts = [
        n.value for n in ast.walk(TREES[path]) if isinstance(n, ast.Constant) and isinstance(n.value, str)
    ]
    assert not [text for text in texts if re.fullmatch(r"#[0-9a-fA-F]{3,8}", text)]


def test_the_session_holds_five_things() -> None:
    keys = {state.SOURCE, state.DATA, state.CHOICE, state.CHARTS, state.EXPORT}
    assert keys == {
        "selected_checkpoint", "performance_data", "filter_params", "chart_settings", "export_config",
    }  # fmt: skip
    for path in MODULES:
        for node in ast.walk(TREES[path]):
            if isinstance(node, ast.Subscript) and ast.unparse(node.value) == "st.session_state":
                assert not isinstance(node.slice, ast.Constant), f"{name_of(path)}: a key of its own"


def test_every_module_says_what_it_is() -> None:
    vague = [name_of(path) for path, tree in TREES.items() if len(ast.get_docstring(tree) or "") < 20]
    assert not vague
