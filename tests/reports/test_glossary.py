from fillbook.metrics.evaluate import load_metrics
from fillbook.reports.glossary import metric_object, metrics_by_group
from fillbook.reports.json import to_json


def test_every_metric_stands_once_and_the_money_first() -> None:
    groups = metrics_by_group()
    listed = [metric.key for metrics in groups.values() for metric in metrics]
    assert sorted(listed) == sorted(load_metrics())
    assert next(iter(groups)) == "profitability"
    assert listed[0] == "net_pnl"


def test_the_order_does_not_depend_on_who_imported_what_first() -> None:
    registry = load_metrics()
    before = [metric.key for metrics in metrics_by_group().values() for metric in metrics]
    held = list(registry.items())
    try:
        registry.clear()
        registry.update(reversed(held))
        after = [metric.key for metrics in metrics_by_group().values() for metric in metrics]
    finally:
        registry.clear()
        registry.update(held)
    assert after == before


def test_every_metric_says_what_it_is() -> None:
    for metric in load_metrics().values():
        said = metric_object(metric)
        assert to_json(said)
        for part in ("label", "meaning", "formula", "source", "undefined"):
            assert said[part], f"{metric.key} lacks its {part}"
