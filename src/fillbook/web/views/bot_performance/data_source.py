"""Data source: what is open, and how to open something else."""

from __future__ import annotations

import tempfile
from pathlib import Path

import streamlit as st

from fillbook.errors import FillbookError
from fillbook.performance_data_source import PerformanceDataSource
from fillbook.web import state

_KINDS = ["sqlite", "sqlite3", "db", "csv", "json", "parquet"]


def show(held: PerformanceDataSource | None, *, is_open: bool = False) -> None:
    """What was loaded, and the choice of another source."""
    with st.expander(_headline(held), expanded=is_open, icon=":material/database:"):
        if held is not None:
            _loaded(held)
        path = st.text_input(
            "Path of a database, checkpoint, trade CSV, or a folder of bots",
            placeholder="bots/instances", help="Read only; a bot may go on writing.",
        )  # fmt: skip
        with st.container(horizontal=True):
            if st.button("Open", type="primary", disabled=not path.strip()):
                _choose((str(Path(path.strip()).expanduser()),))
            if st.button("Open the demo"):
                _choose((_demo(),))
        sent = st.file_uploader("Or upload files of one bot or several", _KINDS, accept_multiple_files=True)
        if sent and st.button(f"Open {len(sent)} uploaded file{'s' if len(sent) > 1 else ''}"):
            folder = Path(tempfile.mkdtemp(prefix="fillbook-upload-"))
            for file in sent:
                (folder / Path(file.name).name).write_bytes(file.getbuffer())
            _choose((str(folder),))


def _headline(held: PerformanceDataSource | None) -> str:
    if held is None:
        return "Data source: nothing is open yet"
    files, bots = len(held.lineage.files), held.fills["bot"].n_unique()
    return (
        f"Data source: {held.fills.height:,} fill{'s' if held.fills.height != 1 else ''} of "
        f"{bots} bot{'s' if bots != 1 else ''} from {files} file{'s' if files != 1 else ''}"
    )


def _loaded(held: PerformanceDataSource) -> None:
    """Files with what they are and what was read."""
    kept: dict[int, int] = {}
    for table in held.lineage.tables:
        kept[table.source] = kept.get(table.source, 0) + table.kept
    st.dataframe(
        [
            {
                "file": Path(file.uri).name, "kind": file.kind.replace("_", " "), "bot": file.bot,
                "schema": file.schema_version or "", "layout": file.layout,
                "rows": kept.get(file.source, 0), "folder": str(Path(file.uri).parent),
            }
            for file in held.lineage.files
        ],
        hide_index=True,
        column_config={"rows": st.column_config.NumberColumn("rows", format="localized")},
    )  # fmt: skip
    if held.fills.is_empty():
        st.info("These files hold no fill, so there is nothing to book.", icon=":material/info:")


def _demo() -> str:
    """Folder of the demo, written if it is not there."""
    from fillbook.demo import demo_folder, write_demo  # noqa: PLC0415  (brings the simulation)

    folder = demo_folder()
    with st.spinner("Writing the demo's databases …"):
        write_demo(folder)
    return str(folder)


def _choose(uris: tuple[str, ...]) -> None:
    """Open these from now on, if they can be read at all."""
    try:
        state.open_sources(uris)
    except FillbookError as error:
        st.error(str(error), icon=":material/error:")
        return
    st.session_state[state.SOURCE] = uris
    st.rerun()
