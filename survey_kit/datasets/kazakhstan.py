"""A SYNTHETIC poll on the reception of Russian migrants in Kazakhstan, December 2022.

The microdata of the real poll are not public. Two figures are: 38% opposed to the influx and 30% fearing organised
infiltration, of all respondents. The generator makes a telephone sample that gives these two figures after weighting to
the population margins. Everything else in it is an assumption and shows nothing about Kazakhstan.
"""

from __future__ import annotations

from importlib.resources import files
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd

from survey_kit.codebook import Codebook
from survey_kit.datasets.kazakhstan_answers import draw_answers, unanswered
from survey_kit.datasets.kazakhstan_calibration import margin_weights
from survey_kit.datasets.kazakhstan_codebook import build_codebook
from survey_kit.datasets.kazakhstan_fieldwork import draw_calls, draw_duration, draw_pace, schedule
from survey_kit.datasets.kazakhstan_people import draw_people
from survey_kit.errors import ArgumentError, OutputError
from survey_kit.schema import Notice

N = 1_100
SEED = 202212
FILE_NAME = "kazakhstan-2022-12.sav"
DEMOGRAPHICS_UNANSWERED = {"education3": (0.0, 0.012), "income": (0.035, 0.045), "tenure": (0.0, 0.02)}


def kazakhstan(seed: int = SEED) -> tuple[pd.DataFrame, Codebook]:
    """The synthetic file: codes of 1,100 respondents, and the codebook.

    The same seed gives the same codes on every machine. After raking `basewt` to `margins()`, q1 = 4 or 5 (opposed)
    holds 38% and q5 = 1 or 2 (infiltration) 30% of all respondents, "don't know" and "refused" in the base, to within
    0.02 points. Weights and answers are SYNTHETIC: only these two shares are published.

    Args:
        seed: 0 to 4294967295. Other seeds give other people with the same two figures.

    Returns:
        codes: one row per respondent in the order of interviewing, shape (1100, 51); numbers are float64 as an SPSS
            file holds them, `started` is datetime64[us]; q2_1 to q2_9 are NaN for those not asked.
        codebook: labels as "English | Русский", user-missing codes 98 and 99, two multiple-response sets.

    Raises:
        ArgumentError: the seed is not a whole number in that range.

    >>> codes, codebook = kazakhstan()
    >>> len(codes), codebook.title
    (1100, 'SYNTHETIC poll on Russian migrants, Kazakhstan, December 2022')
    """
    rng = np.random.RandomState(_checked_seed(seed))
    targets = _shares()
    people = draw_people(rng, targets["sexage"], N)
    people = people.assign(**draw_calls(rng, people))
    basewt = np.round((1.0 / people["phones"]) / (1.0 / people["phones"]).mean(), 6).to_numpy()
    rushed, hasty = draw_pace(rng, people)
    answers = draw_answers(rng, people, margin_weights(people, basewt, targets), hasty)
    people = people.assign(duration=draw_duration(rng, people, rushed, np.isin(answers["q1"], (4, 5))))
    started = schedule(rng, people)
    people = people.assign(**{name: unanswered(rng, people[name], *p) for name, p in DEMOGRAPHICS_UNANSWERED.items()})
    return _assembled(people.assign(basewt=basewt, started=started, **answers), build_codebook())


def margins() -> pd.DataFrame:
    """Population shares to weight by: adults by sex and age, ethnicity (all ages), settlement (all ages).

    Returns:
        A long frame, one row per category: variable, category (code), label, target (share; each variable sums to 1),
        base (which population), date, source, status.

    >>> margins().groupby("variable")["target"].sum().round(6).to_dict()
    {'ethnicity3': 1.0, 'settlement': 1.0, 'sexage': 1.0}
    """
    return pd.read_csv(StringIO(_margins_text()), keep_default_na=False)


def write_kazakhstan(folder: str | Path) -> tuple[Notice, ...]:
    """Write the synthetic file as `kazakhstan-2022-12.sav`, and the margins as `margins.csv`, into a folder.

    Returns:
        What the SPSS format could not hold, if anything.

    Raises:
        OutputError: the folder does not exist.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise OutputError(f"No folder {str(folder)!r}. Create it first.")
    from survey_kit.io import write_file  # only writing needs the file formats

    codes, codebook = kazakhstan()
    notices = write_file(folder / FILE_NAME, codes, codebook)
    (folder / "margins.csv").write_bytes(_margins_text().encode("utf-8"))
    return notices


def _checked_seed(seed: int) -> int:
    whole = isinstance(seed, (int, np.integer)) and not isinstance(seed, bool)
    if not whole or not 0 <= seed < 2**32:
        raise ArgumentError(f"seed={seed!r} is not available. Give a whole number from 0 to 4294967295.")
    return int(seed)


def _margins_text() -> str:
    return files("survey_kit.datasets").joinpath("kazakhstan_margins.csv").read_text(encoding="utf-8")


def _shares() -> dict[str, np.ndarray]:
    """Target shares by variable, in the order of the codes 1..k."""
    table = margins().sort_values(["variable", "category"], kind="stable")
    return {name: rows["target"].to_numpy() for name, rows in table.groupby("variable", sort=True)}


def _assembled(people: pd.DataFrame, codebook: Codebook) -> tuple[pd.DataFrame, Codebook]:
    """Rows in the order of interviewing, numbered; columns in the order of the codebook."""
    ordered = people.sort_values("started", kind="stable", ignore_index=True)
    ordered = ordered.assign(id=np.arange(1, len(ordered) + 1), wave=1)[list(codebook)]
    numeric = [name for name in codebook if name != "started"]
    return ordered.astype(dict.fromkeys(numeric, float)), codebook
