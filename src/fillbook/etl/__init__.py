"""Validate, clean, merge and repair what the sources read; bad rows are kept apart and said.

>>> from datetime import UTC, datetime
>>> from fillbook.testing.tables import fills, raw_tables
>>> result = performance_etl([raw_tables(fills=fills())], clock=datetime(2026, 6, 1, tzinfo=UTC))
>>> result.tables["fills"].height
1
"""

from __future__ import annotations

from fillbook.etl.result import EtlResult, performance_etl

__all__ = ["EtlResult", "performance_etl"]
