"""The ETL tool: databases chosen, their health seen, merged into a checkpoint, and that opened."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import streamlit as st

from fillbook.errors import FillbookError, UnreadableSourceError
from fillbook.reports.merging import Merged, merge
from fillbook.sources.checkpoint_form import checkpoints_home, read_manifest
from fillbook.sources.checkpoint_writing import listed
from fillbook.sources.glance import Glance, glances
from fillbook.units import counted
from fillbook.web import st_utils, state

Choose = Callable[[tuple[str, ...]], None]
_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,99}")
_KEPT_S = 20.0  # how long a look at the files is believed
_PREFIX = "reading "
_ROW_PX, _MOST_ROWS, _STATE_PX = 35, 9, 220
_MOST_TOLD = 5  # unreadable files told beside the table


def show(choose: Choose) -> None:
    """Open a checkpoint that is there, or merge files into one."""
    _open(choose)
    st.caption(
        "A checkpoint keeps what several bots wrote as one source that opens at once, whatever its size. "
        "Merged again, only what is new is read; the bots' own files are never changed."
    )
    held: tuple[str, ...] = st.session_state[state.SOURCE]
    typed = st.text_area(
        "Databases, other files or folders to merge, one a line", "\n".join(held), height=80,
        placeholder="bots/instances", help="As for opening: a folder stands for every file below it.",
    )  # fmt: skip
    uris = tuple(line.strip() for line in typed.splitlines() if line.strip())
    if not uris:
        return
    seen = _seen(uris)
    chosen = _chosen(seen)
    name = st.text_input(
        "Name of the checkpoint", "checkpoint", max_chars=100,
        help=f"A folder of this name in {checkpoints_home().absolute()}. One that is there is added to.",
    ).strip()  # fmt: skip
    is_name = _NAME.fullmatch(name) is not None
    if not is_name:
        st.caption("A name is made of letters, digits, dots, dashes and underscores.")
    label = f"Merge {counted(len(chosen), 'file')}"
    if st.button(label, type="primary", disabled=not (chosen and is_name), icon=":material/merge:"):
        _merge([one.uri for one in chosen], checkpoints_home() / name, choose)


def _open(choose: Choose) -> None:
    """A checkpoint of those that are there."""
    roots = {_described(root): root for root in listed()}
    if not roots:
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.selectbox("Checkpoints", roots)
        st.button("Open the checkpoint", on_click=choose, args=((str(roots[name]),),))


def _described(root: Path) -> str:
    """Name of a checkpoint and what it holds."""
    try:
        manifest = read_manifest(root)
    except UnreadableSourceError as error:
        return f"{root.name}: {error.why}"
    fills = manifest.cleaned and counted(manifest.cleaned.facts["fills"]["rows"], "fill")
    changed = manifest.changed_at[:16].replace("T", " ")
    parts = (counted(len(manifest.sources), "source"), fills, f"changed {changed} UTC")
    return f"{root.name}: {', '.join(part for part in parts if part)}"


@st.cache_data(ttl=_KEPT_S, show_spinner="Looking at the files …")
def _seen(uris: tuple[str, ...]) -> list[Glance]:
    return glances(uris)


def _chosen(seen: list[Glance]) -> list[Glance]:
    """The healthy files of the rows that are chosen; of all where none is."""
    healthy = [one for one in seen if one.is_healthy]
    lost = len(seen) - len(healthy)
    st.caption(
        f"{counted(len(healthy), 'file')} can be read"
        + (f", {lost:,} cannot and will be left out" if lost else "")
        + ". Choose rows to merge only those."
    )
    for one in [one for one in seen if not one.is_healthy][:_MOST_TOLD]:
        st.caption(st_utils.plain(f"{Path(one.shown).name} {one.why}; {one.remedy}"))
    event = st.dataframe(
        [
            {
                "state": "✓ healthy" if one.is_healthy else f"✗ {one.why}; {one.remedy}",
                "file": Path(one.shown).name, "fills": (one.rows or {}).get("fills"),
                "orders": (one.rows or {}).get("orders"), "size": one.size_bytes,
                "folder": str(Path(one.shown).parent),
            }
            for one in seen
        ],
        hide_index=True, alt="Files that were found, and whether each can be read", on_select="rerun",
        selection_mode="multi-row", placeholder="—", height=_ROW_PX * (min(len(seen), _MOST_ROWS) + 1) + 3,
        column_config={
            "fills": st.column_config.NumberColumn(format="localized"),
            "orders": st.column_config.NumberColumn(format="localized"),
            "size": st.column_config.NumberColumn(format="bytes"),
            "state": st.column_config.TextColumn(width=_STATE_PX),
        },
    )  # fmt: skip
    rows = event.selection.rows
    return [seen[row] for row in rows if seen[row].is_healthy] if rows else healthy


def _merge(uris: list[str], root: Path, choose: Choose) -> None:
    """Merge, saying how far it is, then what became of every file."""
    bar = st.progress(0.0, "Looking for files")

    def said(stage: str, share: float) -> None:
        words = f"reading {Path(stage.removeprefix(_PREFIX)).name}" if stage.startswith(_PREFIX) else stage
        bar.progress(min(share, 1.0), st_utils.plain(words[0].upper() + words[1:]))

    try:
        done = merge(uris, root, progress=said)
    except FillbookError as error:
        bar.empty()
        st_utils.failed(error)
        return
    bar.empty()
    _told(done)
    st.button(
        f"Open {done.root.name}", on_click=choose, args=((str(done.root),),), icon=":material/folder_open:"
    )


def _told(done: Merged) -> None:
    """What a merge did, and what it could not read."""
    if not done.is_changed:
        said = f"{done.root.name} holds all of it already; nothing was written."
    else:
        parts = [f"{counted(len(done.added), 'source')} added"]
        parts += [f"{counted(len(done.known), 'file')} known already"] if done.known else []
        n = len(done.absorbed)
        parts += [f"{counted(n, 'older snapshot')} of a file found in a newer one"] if n else []
        said = f"{done.root.name}: {', '.join(parts)}."
    st.success(st_utils.plain(said), icon=":material/check:")
    for refused in done.refused:
        words = f"{refused.uri}: {refused.why}. {refused.remedy}"
        st.warning(st_utils.plain(words), icon=":material/warning:")
