from rich.console import Console

from fillbook.cli.screen import cell, findings_line, table
from fillbook.findings import Finding, Severity


def test_what_a_terminal_would_act_upon_is_replaced() -> None:
    assert cell("a\x1b[31m\x07b").plain == "a\ufffd[31m\ufffdb"
    assert cell("−1,234.50 %").plain == "−1,234.50 %"


def test_brackets_are_text_and_no_markup() -> None:
    screen = Console(width=40, markup=False)
    with screen.capture() as held:
        screen.print(table("t", ("name",), [("[red]x[/red]",)]))
    assert "[red]x[/red]" in held.get()


def test_a_narrow_table_does_not_fold_its_title() -> None:
    screen = Console(width=60, markup=False)
    with screen.capture() as held:
        screen.print(table("held at the end, by asset", ("name",), [("x",)]))
    assert held.get().splitlines()[0].rstrip() == "held at the end, by asset"


def test_findings_are_counted_gravest_first() -> None:
    found = [Finding("t", "r", severity, "") for severity in (*Severity, Severity.WARNING)]
    assert findings_line(found).plain == "findings: 1 error, 2 warnings, 1 info"
    assert findings_line([]).plain == "no findings"
