"""Data health: findings, checks of the book, what became of every row."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import streamlit as st

from fillbook.errors import FillbookError
from fillbook.findings import Finding, Severity
from fillbook.ledger.invariants import Verdict
from fillbook.web import st_utils, state

_ICONS = {
    Severity.ERROR: ":material/error:", Severity.WARNING: ":material/warning:",
    Severity.INFO: ":material/info:",
}  # fmt: skip
_VERDICTS = {
    Verdict.PASS: "✓ pass",
    Verdict.FAIL: "✗ fail",
    Verdict.NOT_CHECKABLE: "– not checkable",
}


def show() -> None:
    """Everything a doubting reader may ask of the data."""
    held = st_utils.opened("Data health")
    if held is None:
        return
    try:
        answer = state.answer(held, state.choice())
    except FillbookError as error:
        st_utils.failed(error)
        return
    st.caption(st_utils.plain(st_utils.scope(answer)))
    st_utils.trust(state.checks(held), answer.findings)
    _findings(answer.findings)
    st.header("The book's checks of itself", anchor=False, divider="gray")
    st.dataframe(
        [
            {
                "verdict": _VERDICTS[check.verdict], "check": check.label,
                "against": "a second computation" if check.is_own else "the bot's own record",
                "detail": check.detail,
            }
            for check in state.checks(held)
        ],
        hide_index=True,
    )  # fmt: skip
    st.header("What became of every row", anchor=False, divider="gray")
    names = {file.source: Path(file.uri).name for file in held.lineage.files}
    st.dataframe(
        [
            {
                "file": names.get(t.source, ""), "table": t.table, "read": t.read, "duplicates": t.duplicates,
                "quarantined": t.quarantined, "kept": t.kept, "repaired": t.repaired,
            }
            for t in held.lineage.tables
            if t.read
        ],
        hide_index=True,
    )  # fmt: skip
    st.dataframe(
        [{"file": f.uri, "SHA-256": f.sha256, "bytes": f.size_bytes} for f in held.lineage.files],
        hide_index=True,
    )
    _quarantine(held.quarantine)


def _findings(findings: tuple[Finding, ...]) -> None:
    """Every finding, the gravest first: what, where, what it does, the way out."""
    st.header(f"Findings: {len(findings)}", anchor=False, divider="gray")
    for severity in reversed(Severity):
        for finding in findings:
            if finding.severity is severity:
                with st.expander(
                    st_utils.plain(f"{finding.table}: {finding.message}{_of(finding)}"), icon=_ICONS[severity]
                ):
                    _details(finding)


def _of(finding: Finding) -> str:
    """The file a finding is about, where it names one."""
    return f" ({Path(finding.source).name})" if finding.source else ""


def _details(finding: Finding) -> None:
    where = finding.source
    if finding.rows:
        where += f", rows {', '.join(map(str, finding.rows))}"
        where += f" … of {finding.n_rows:,}" if finding.n_rows > len(finding.rows) else ""
    for name, text in (
        ("Rule", finding.rule),
        ("Where", where),
        ("What it does", finding.effect),
        ("Way out", finding.remedy),
    ):
        if text:
            st.text(f"{name}: {text}")


def _quarantine(rows: pl.DataFrame) -> None:
    """Rows kept out of the books."""
    st.header(f"Quarantine: {rows.height:,} rows", anchor=False, divider="gray")
    if rows.is_empty():
        st.caption("Nothing was kept out of the books.")
    else:
        st.dataframe(rows, hide_index=True)
