"""The house: layers, light imports, short functions, short files, no prints."""

from __future__ import annotations

import ast
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted((ROOT / "survey_kit").rglob("*.py"))
HEAVY = ("statsmodels", "seaborn", "pingouin", "matplotlib", "pandas", "scipy")


def _loaded(statement: str, names: tuple[str, ...]) -> list[str]:
    code = f"import sys; {statement}; print([m for m in {names!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    return ast.literal_eval(done.stdout)


def test_layers_hold():
    """The contracts in pyproject.toml; `lint-imports` says which import breaks them."""
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([program], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stdout


def test_package_import_is_light():
    assert _loaded("import survey_kit", HEAVY) == []


def test_weighting_alone_needs_numpy_and_pandas_only():
    unwanted = (
        *("statsmodels", "seaborn", "pingouin", "matplotlib", "scipy", "pyreadstat", "formulaic", "great_tables"),
        *("survey_kit.survey", "survey_kit.charts", "survey_kit.estimation", "survey_kit.models"),
    )
    assert _loaded("from survey_kit.weighting import rake", unwanted) == []


def test_weighting_a_frame_goes_on_needing_numpy_and_pandas_only():
    statement = (
        "import pandas as pd; import survey_kit.weighting as w; "
        "d = pd.DataFrame({'a': ['x', 'y', 'y'] * 9, 'x': range(27), 'r': [1, 1, 0, 0, 1, 1, 1, 0, 1] * 3}); "
        "t = {'a': {'x': 0.4, 'y': 0.6}}; "
        "one = w.adjust_nonresponse(d, 'r', model=['x', 'a']); two = w.rake(d, t, base=one, upper=3); "
        "three = w.normalize(w.trim(two, upper=2)); w.calibrate(d, {**t, 'x': {'mean': 14}}); w.poststratify(d, t['a'], by='a'); "
        "w.anesrake(d, t); repr(three); three._repr_html_(); three.summary()"
    )
    assert (
        _loaded(statement, ("scipy", "formulaic", "statsmodels", "matplotlib", "pydantic", "survey_kit.survey")) == []
    )


def test_estimation_loads_no_modelling_or_plotting():
    statement = "import survey_kit as sk, pandas as pd; sk.mean(sk.from_frame(pd.DataFrame({'x': [1.0, 2.0]})), 'x')"
    assert _loaded(statement, ("statsmodels", "seaborn", "pingouin", "matplotlib", "formulaic", "typst")) == []


def test_public_names_resolve():
    import survey_kit as sk

    for name in sk.__all__:
        assert getattr(sk, name) is not None
    with pytest.raises(AttributeError, match="has no attribute 'raek'"):
        sk.raek  # noqa: B018


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_file_is_short_and_silent(path):
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= 400, f"{path.name} has {text.count(chr(10))} lines"
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert _length(node) <= 60, f"{node.name} has {_length(node)} lines"
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "print":
            raise AssertionError(f"print in line {node.lineno}")


def test_functions_are_short_on_the_whole():
    lengths = [
        _length(node)
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef)
    ]
    assert statistics.median(lengths) <= 10


def _length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return node.end_lineno - node.lineno + 1 - (ast.get_docstring(node, clean=False) or "").count("\n")
