"""Writing .csv and .tsv files."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa

from survey_kit.codebook import Codebook
from survey_kit.errors import OutputError, listed
from survey_kit.io.atomic import atomic_path
from survey_kit.io.delimited.types import column_types
from survey_kit.io.formula_guard import NUMBER, RUNS, guarded
from survey_kit.io.write import check_frame, check_mixed, complete, is_text
from survey_kit.schema import Notice

_LONGEST = 131_072  # characters of a field that the reader takes


def write_csv(path: Path, codes: pd.DataFrame, codebook: Codebook) -> tuple[Notice, ...]:
    r"""Write the codes: UTF-8, commas (.csv) or tabs (.tsv), "\n", empty cells for missing values.

    Text files hold no codebook; a notice says what is not there, and `poll.codebook.save` writes it beside.

    Text that a spreadsheet would run as a formula ("=...", "+...", "@..."), also as a column name, gets a leading quote,
    which `read_file` takes off again. Numbers stay numbers. Raises OutputError.
    """
    check_frame(path, codes)
    safe: dict[str, pd.Series] = {}
    header = [guarded(name) for name in codes.columns]
    count = sum(name != shown for name, shown in zip(codes.columns, header, strict=True))
    for name in codes.columns:
        column = codes[name]
        check_mixed(path, column)
        if is_text(column):
            _check_nul(path, column)
            runs = _runs(column)
            count += int(runs.sum())
            safe[name] = ("'" + column.astype("str")).where(runs, column) if runs.any() else column
    with atomic_path(path) as temporary:
        sep = "\t" if path.suffix.lower() == ".tsv" else ","
        table = codes.assign(**safe)
        table.to_csv(temporary, sep=sep, header=header, index=False, encoding="utf-8", lineterminator="\n")
    return _csv_notices(codes, codebook, count)


def _runs(column: pd.Series) -> pd.Series:
    text = column.astype("str")
    found = text.str.match(RUNS) & ~text.str.match(NUMBER)
    return found.fillna(False).astype(bool)


def _check_nul(path: Path, column: pd.Series) -> None:
    rows = [i for i, v in enumerate(column.astype("str").str.contains("\0", regex=False).fillna(False), 1) if v]
    if rows:
        raise OutputError(f"{path.name}: text in column '{column.name}' holds a NUL character in row {rows[0]}.")


def _no_longer_text(codes: pd.DataFrame) -> list[str]:
    """Columns of text whose values a reader takes for numbers or dates."""
    texts = [name for name in codes.columns if is_text(codes[name]) and codes[name].notna().any()]
    if not texts:
        return []
    table = pa.table({n: pa.array(codes[n].astype("str").replace("", None), pa.large_string()) for n in texts})
    found, _ = column_types(table, ".", ",", len(codes))
    return [name for name in texts if not is_text(found[name])]


def _csv_notices(codes: pd.DataFrame, codebook: Codebook, guarded: int) -> tuple[Notice, ...]:
    notices = []
    book = complete(codebook, codes)
    meant = [n for n, v in book.variables.items() if v.labels or v.label or v.question or v.missing]
    lost = [f"labels and missing rules of {len(meant)} columns"] if meant else []
    lost += [f"the multiple-response sets {listed(codebook.sets)}"] if codebook.sets else []
    lost += ["the file's title, notes or weight"] if codebook.title or codebook.notes or codebook.weight else []
    blank = [n for n in codes.columns if is_text(codes[n]) and (codes[n] == "").any()]
    lost += [f"the difference between an empty text and none: {listed(blank)}"] if blank else []
    turned = _no_longer_text(codes)
    lost += [f"that these columns are text, which read back as numbers or dates: {listed(turned)}"] if turned else []
    large = [n for n in codes.columns if is_text(codes[n]) and (codes[n].astype("str").str.len() > _LONGEST).any()]
    lost += (
        [f"texts of more than {_LONGEST:,} characters so that `read_file` takes them: {listed(large)}"] if large else []
    )
    if lost:
        text = (
            f"A text file does not hold {'; '.join(lost)}. Write .sav or .parquet, or save the codebook beside it: "
            'poll.codebook.save("codebook.yml").'
        )
        notices.append(Notice("lost", text, len(lost)))
    if guarded:
        text = f"{guarded} texts that a spreadsheet would run as a formula were given a leading quote."
        notices.append(Notice("guard", text, guarded))
    return tuple(notices)
