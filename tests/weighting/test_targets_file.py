"""Files of targets as spreadsheets write them, and categories written in more than one way."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from survey_kit.errors import TargetError
from survey_kit.weighting import calibrate, rake

DF = pd.DataFrame({"sex": list("mf") * 4, "y": range(8)})
COUNTS = [480_000, 520_000]


@pytest.mark.parametrize(
    ("text", "encoding", "targets"),
    [
        ("Variable,Category,Target,,\r\nsex,m,48%,,\r\nsex,f,52 %,,\r\n,,,,\r\n,,,,\r\n", "utf-8", [0.48, 0.52]),
        ('variable,category,target\nsex,m,"480,000"\nsex,f,"520,000"\n', "utf-8-sig", COUNTS),
        ("variable,category,target\nsex,m,480 000\nsex,f,520\u00a0000\n", "utf-8", COUNTS),
        ("variable;category;target\nsex;m;480.000,0\nsex;f;520.000,0\n;;\n", "utf-8", COUNTS),
        ("VARIABLE;CATEGORY;TARGET;\nsex;m;0,48;\nsex;f;0,52;\n;;;\n", "utf-8", [0.48, 0.52]),
        ("variable\tcategory\ttarget\r\nsex\tm\t48,5\r\nsex\tf\t51,5\r\n", "utf-16", [0.485, 0.515]),
    ],
)
def test_spreadsheets(tmp_path, text, encoding, targets):
    path = tmp_path / "targets.csv"
    path.write_bytes(text.encode(encoding))
    expected = rake(DF, {"sex": dict(zip("mf", targets, strict=True))}).values
    for verb in (rake, calibrate):
        np.testing.assert_allclose(verb(DF, path).values, expected, rtol=1e-9)


def test_files_that_cannot_be_read(tmp_path):
    path = tmp_path / "targets.csv"
    path.write_bytes("variable,category,target\npol,мужчины,48\npol,женщины,52\n".encode("cp1251"))
    with pytest.raises(
        TargetError, match=r"not UTF-8 text \(it looks like cp1251: .*мужчины.*\): save it as CSV in UTF-8"
    ):
        rake(DF, path)
    path.write_bytes("variable,category,target\nsex,m,48\nsex,f,52\n".encode("utf-16-le"))
    with pytest.raises(TargetError, match=r"not UTF-8 text \(it looks like UTF-16\): save it as CSV in UTF-8"):
        rake(DF, path)
    book = tmp_path / "targets.xlsx"
    book.write_bytes(b"PK\x03\x04")
    with pytest.raises(TargetError, match="'targets.xlsx' is a workbook. Save its sheet as CSV"):
        rake(DF, book)
    path.write_text('variable,category,target\nsex,m,"48,5"\nsex,f,"51,5"\n')
    with pytest.raises(TargetError, match="not a number but '48,5'"):
        rake(DF, path)


def test_a_frame_with_a_header_in_capitals():
    table = pd.DataFrame({"Variable": "sex", "Category": ["m", "f"], "Target": [0.4, 0.6]})
    np.testing.assert_allclose(rake(DF, table).values[:2], [0.8, 1.2])
    totals = pd.DataFrame({"Variable": ["y", "(Intercept)"], "Category": "", "Target": [30.0, 8.0]})
    assert calibrate(DF, totals).values @ DF["y"] == pytest.approx(30)


def test_numbers_and_days_written_otherwise(tmp_path):
    frame = pd.DataFrame(
        {"code": [1, 2] * 4, "text": ["1.0", "2.0"] * 4, "day": pd.to_datetime(["2020-01-01", "2021-02-03"] * 4)}
    )
    shares = [0.4, 0.6]
    path = tmp_path / "targets.csv"
    path.write_text(
        "variable,category,target\ncode,1.0,40\ncode,2.0,60\n"
        "text,1,40\ntext,2,60\nday,2020-01-01,40\nday,2021-02-03 00:00:00,60\n"
    )
    np.testing.assert_allclose(rake(frame, path).values[:2], [0.8, 1.2])
    written = ["2020-01-01", pd.Timestamp("2021-02-03")]
    crossed = {("code", "day"): dict(zip([(1, written[0]), (2.0, written[1])], shares, strict=True))}
    assert rake(frame, crossed).targets["category"].tolist() == ["1:2020-01-01", "2:2021-02-03"]
