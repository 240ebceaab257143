"""Data source: what is open, and how to open something else."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from fillbook.errors import FillbookError
from fillbook.findings import Severity
from fillbook.performance_data_source import PerformanceDataSource
from fillbook.sources.base import named_path, scheme_of
from fillbook.sources.credentials import refuse_secrets
from fillbook.units import counted
from fillbook.web import narrowing, st_utils, state
from fillbook.web.opening import PATIENCE_S, CancelledError, Opening, shelf, stamp_of
from fillbook.web.views.bot_performance import merging

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

_KINDS = ["sqlite", "sqlite3", "db", "csv", "json", "parquet", "txt", "jsonl", "ndjson"]
UPLOADS = "fillbook-uploads-"  # the folder of uploads is called so
_WELCOME = (
    "**Is your bot making money, after every fee?** Open what it wrote: a Hummingbot database, a "
    "checkpoint, a trade CSV, or the folder your bots live in. Files are only ever read, also while a bot "
    "is writing. Or look at the demo: six bots over 60 days."
)


def opened() -> Opening | None:
    """Put the chosen sources into the session; what is still being opened is handed back.

    Raises
    ------
    FillbookError
        They cannot be read; the session then has no data.
    """
    chosen: tuple[str, ...] = st.session_state[state.SOURCE]
    held = state.data()
    if held is not None and (held.stored is None or held.stored.is_there()):
        return None  # what was read stays until the reader asks for it anew
    st.session_state[state.DATA] = None
    if not chosen:
        return None
    job = shelf().of(chosen)
    if not job.is_done(PATIENCE_S):
        return job
    try:
        st.session_state[state.DATA] = job.data()
    except FillbookError:
        st.session_state[state.SOURCE] = ()
        raise
    return None


def show(held: PerformanceDataSource | None, *, is_open: bool = False) -> None:
    """What was loaded, and the choice of another source."""
    if held is None:
        st.markdown(_WELCOME)
        _ways()
        return
    with st.expander(headline(held), expanded=is_open, icon=":material/database:", key="source"):
        _changed()
        _loaded(held)
        _ways()


def _ways() -> None:
    """Path, demo, upload; or checkpoints."""
    one, several = st.tabs(["Open", "Merge into a checkpoint"])
    with one:
        _open()
    with several:
        merging.show(choose)


def _open() -> None:
    """Path, demo, upload."""
    path = st.text_input(
        "Path of a database, trade CSV or folder of bots, the name of a checkpoint, or an address",
        placeholder="bots/instances, or postgresql://user@host/database",
        help="Read only; a bot may go on writing.",
    )  # fmt: skip
    typed = path.strip() if scheme_of(path.strip()) else str(Path(path.strip()).expanduser())
    with st.container(horizontal=True):
        st.button("Open", type="primary", disabled=not path.strip(), on_click=choose, args=((typed,),))
        st.button("Open the demo", icon=":material/science:", on_click=_open_demo)
    sent = st.file_uploader("Or upload files of one bot or several", _KINDS, accept_multiple_files=True)
    if sent:
        st.button(f"Open {counted(len(sent), 'uploaded file')}", on_click=_open_sent, args=(sent,))


def _open_sent(sent: Sequence[UploadedFile]) -> None:
    """Keep uploads until the server ends, and open them."""
    folder = Path(tempfile.mkdtemp(prefix="upload-", dir=_uploads().name))
    for file in sent:
        (folder / Path(file.name).name).write_bytes(file.getbuffer())
    choose((str(folder),))


def _open_demo() -> None:
    """Open the demo, written if it is not there."""
    from fillbook.demo import demo_folder, write_demo  # noqa: PLC0415  (brings the simulation)

    folder = demo_folder()
    with st.spinner("Writing the demo's databases …"):
        write_demo(folder)
    choose((str(folder),))


@st.cache_resource(show_spinner=False)
def _uploads() -> tempfile.TemporaryDirectory[str]:
    """Where uploads lie until the server ends."""
    return tempfile.TemporaryDirectory(prefix=UPLOADS)


def headline(held: PerformanceDataSource) -> str:
    """What was loaded, and its health, in one line."""
    files, bots = len(held.lineage.files), len(held.names("fills", "bot"))
    worst = [finding for finding in held.findings if finding.severity is Severity.ERROR]
    health = f" · {counted(len(worst), 'error')} in the data" if worst else ""
    return (
        f"Data source: {counted(held.height('fills'), 'fill')} of {counted(bots, 'bot')} "
        f"from {counted(files, 'file')}{health}"
    )


def _changed() -> None:
    """Say so where the files are no longer what was read, and offer to read them again."""
    uris: tuple[str, ...] = st.session_state[state.SOURCE]
    settings: state.ChartSettings = st.session_state[state.CHARTS]
    stamp = stamp_of(uris)
    if settings["stamp"] is None:
        settings["stamp"] = stamp
    if settings["stamp"] == stamp:
        return
    gone = [uri for uri in uris if not scheme_of(uri) and not named_path(uri).exists()]
    if gone:
        st.warning(
            f"{st_utils.plain(', '.join(gone))} is no longer there. What was read from it is still shown.",
            icon=":material/warning:",
        )
    else:
        label = "The files have changed: read them again"
        st.button(label, icon=":material/refresh:", on_click=choose, args=(uris,))


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
        hide_index=True, alt="Files that were read",
        column_config={"rows": st.column_config.NumberColumn("rows", format="localized")},
    )  # fmt: skip
    span = held.span("fills")
    if span is None:
        return
    st.caption(f"Fills from {st_utils.spelled(span[0])} to {st_utils.spelled(span[1])}.")
    st_utils.way_to("data_health", "What became of every row: Data health", ":material/health_and_safety:")


def choose(uris: tuple[str, ...]) -> None:
    """Open these from now on; what is open stays where they cannot be read. For callbacks."""
    try:
        for uri in uris:
            refuse_secrets(uri)
    except FillbookError as error:
        st_utils.failed(error)
        return
    job = shelf().of(uris)
    if job.is_done(PATIENCE_S) and job.error is not None and not isinstance(job.error, CancelledError):
        st_utils.failed(job.error)
        return
    st.session_state[state.SOURCE] = uris
    st.session_state[state.DATA] = None
    settings: state.ChartSettings = st.session_state[state.CHARTS]
    settings["stamp"] = None
    narrowing.forget()
