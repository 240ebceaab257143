import pytest

from fillbook.analysis.limit_file import EXAMPLE, read_limits
from fillbook.analysis.limit_kinds import KINDS
from fillbook.errors import BadRequestError

ONE = '[[limit]]\nwhat = "drawdown"\nmax = 100\n'


def test_what_is_left_out_is_filled_in() -> None:
    (limit,) = read_limits(ONE).limits
    assert (limit.name, limit.what, limit.window_s) == ("drawdown", "drawdown", None)
    held = limit.threshold
    assert (held.limit, held.clear_at, held.warn_at) == (100.0, pytest.approx(90.0), pytest.approx(80.0))
    assert (held.raise_after, held.clear_after) == (1, 3)


def test_defaults_hold_for_every_limit_that_does_not_say_otherwise() -> None:
    text = (
        "[defaults]\nraise_after = 4\nwindow_s = 7\n"
        + ONE
        + ONE.replace("max", 'name = "b"\nraise_after = 2\nmax')
    )
    one, other = read_limits(text).limits
    assert (one.threshold.raise_after, other.threshold.raise_after) == (4, 2)
    assert one.window_s is None  # a drawdown looks at a moment, whatever the defaults say


def test_the_example_is_a_file_of_limits() -> None:
    held = read_limits(EXAMPLE)
    assert [limit.what for limit in held.limits] == [
        "gross_exposure",
        "daily_loss",
        "drawdown",
        "cancel_ratio",
    ]
    assert held.every_s == 60.0
    assert [limit.name for limit in held.limits[2:]] == ["drawdown", "too many cancels"]


@pytest.mark.parametrize("what", KINDS)
def test_every_kind_can_be_asked_for(what: str) -> None:
    asset = 'asset = "ABC"\n' if KINDS[what].needs_asset else ""
    (limit,) = read_limits(f'[[limit]]\nwhat = "{what}"\nmax = 1.5\n{asset}').limits
    assert limit.kind is KINDS[what]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[limit]\n", "limits.toml is not TOML"),
        ("", "limits.toml: it holds no [[limit]]"),
        (ONE + "maks = 1\n", "line 4: 'maks' is no key of limit; did you mean 'max'?"),
        (ONE.replace("drawdown", "drawdawn"), "line 2: 'drawdawn' is no thing to watch; did you mean 'drawdown'?"),
        (ONE.replace("100", '"100"'), "line 3: max is a number, not '100'"),
        (ONE.replace("100", "nan"), "line 3: max is a number, not nan"),
        (ONE.replace("100", "true"), "line 3: max is a number, not True"),
        (ONE.replace("100", "-1"), "line 3: max is at least 0, not -1"),
        (ONE + "clear_at = 101\n", "line 4: clear_at lies between 0 and max, not 101"),
        (ONE + "raise_after = 0\n", "line 4: raise_after is at least 1, not 0"),
        (ONE + "raise_after = 1.5\n", "line 4: raise_after is a whole number, not 1.5"),
        (ONE + "window_s = 60\n", "line 4: drawdown looks at a moment: it has no window_s"),
        (ONE + 'asset = "ABC"\n', "line 4: drawdown has no asset ="),
        (ONE.replace("drawdown", "inventory"), "line 1: inventory needs asset ="),
        (ONE + "pairs = [1]\n", "line 4: pairs is a text or a list of texts, not [1]"),
        (ONE + "alpha = 95\n", "line 4: alpha is a share from 0.5 to below 1, not 95"),
        (ONE + "stale_after_s = 0\n", "line 4: stale_after_s is more than 0, not 0"),
        ('[[limit]]\nwhat = "drawdown"\n', "line 1: a limit needs max ="),
        (ONE + ONE, "line 4: two limits are called 'drawdown'"),
        ("[limits]\n" + ONE, "line 1: 'limits' is no table; did you mean 'limit'?"),
        ("[sampling]\nevery = 60\n" + ONE, "line 2: 'every' is no key of sampling; did you mean 'every_s'?"),
        ("[sampling]\nevery_s = 0\n" + ONE, "line 2: every_s is at least 1 second"),
        ("limit = 3\n", "it holds no [[limit]]"),
        ("sampling = 3\n" + ONE, "sampling is a table: write [sampling]"),
        ("limit = [3]\n", "limit is a table: write [limit]"),
        (ONE + "[alerts]\nurls = [1]\n", "line 5: urls is a text or a list of texts, not [1]"),
        (ONE + ONE.replace("max", 'name = "b"\nmax').replace("100", "[]"), "line 7: max is a number, not []"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_line(text: str, said: str) -> None:
    with pytest.raises(BadRequestError) as error:
        read_limits(text)
    assert said in str(error.value)
