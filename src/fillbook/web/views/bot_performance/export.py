"""Export: exactly what is filtered, as a file."""

from __future__ import annotations

import streamlit as st

from fillbook.analysis.overview import Overview
from fillbook.errors import FillbookError
from fillbook.performance_data_source import PerformanceDataSource
from fillbook.reports.table import ANSWER_TABLES, DATA_TABLES, report_table
from fillbook.reports.writing import Format, table_bytes
from fillbook.web import state

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
            "Format",
            list(_FORMATS),
            default=config["format"],
            required=True,
            format_func=_FORMATS.__getitem__,
        )
    config["table"], config["format"] = name, kind
    try:
        table = report_table(name, held, answer)
        st.caption(f"{table.rows.height:,} rows, filtered as everything on this page.")
        st.download_button(
            f"Download {name}.{kind}", lambda: table_bytes(table, kind), f"{name}.{kind}",
            icon=":material/download:", on_click="ignore", disabled=table.rows.is_empty(),
        )  # fmt: skip
    except FillbookError as error:
        st.error(str(error), icon=":material/error:")
