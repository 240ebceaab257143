"""Export: exactly what is filtered, as a file, and a link to this view."""

from __future__ import annotations

from urllib.parse import urlencode

import streamlit as st

from fillbook.analysis.overview import Overview
from fillbook.errors import FillbookError
from fillbook.performance_data_source import PerformanceDataSource
from fillbook.reports.table import ANSWER_TABLES, DATA_TABLES, report_table, row_count
from fillbook.reports.writing import Format, table_bytes
from fillbook.units import counted
from fillbook.web import st_utils, state
from fillbook.web.views.bot_performance.data_source import UPLOADS

_FORMATS: dict[Format, str] = {"csv": "CSV", "xlsx": "Excel", "json": "JSON", "parquet": "Parquet"}


@st.fragment
def show(answer: Overview, held: PerformanceDataSource) -> None:
    """Choose a table and a format, then download."""
    st.header("Export", anchor=False, divider="gray")
    config: state.ExportConfig = st.session_state[state.EXPORT]
    names = [*ANSWER_TABLES, *DATA_TABLES]
    left, right = st.columns(2)
    with left:
        name = st.selectbox("Table", names, index=names.index(config["table"]))
    with right:
        kind: Format = st.segmented_control(
            "Format", list(_FORMATS), default=config["format"], required=True,
            format_func=_FORMATS.__getitem__,
        )  # fmt: skip
    config["table"], config["format"] = name, kind
    try:
        n = row_count(name, held, answer)
        st.caption(f"{counted(n, 'row')}, filtered as everything on this page.")
        st.download_button(
            f"Download {name}.{kind}", lambda: table_bytes(report_table(name, held, answer), kind),
            f"{name}.{kind}", icon=":material/download:", on_click="ignore", disabled=n == 0,
        )  # fmt: skip
    except FillbookError as error:
        st_utils.failed(error)
    st.text("A link to this view: the same data, filter and conventions.")
    st.code(_link(), language=None, wrap_lines=True)
    if any(UPLOADS in uri for uri in st.session_state[state.SOURCE]):
        st.caption("It leads to the files that were uploaded, and works until this server ends.")


def _link() -> str:
    """Address that opens this view; it names the data where the server would open other data."""
    chosen = {name: st.query_params.get_all(name) for name in st.query_params}
    address = (st.context.url or "").split("?", maxsplit=1)[0]
    return f"{address}?{urlencode(chosen, doseq=True)}" if chosen else address
