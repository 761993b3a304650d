"""The synthetic Kazakhstan file: the two published figures, the labels, and what must not occur in it."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from survey_kit.codebook import Codebook
from survey_kit.datasets import kazakhstan, margins, write_kazakhstan
from survey_kit.datasets.kazakhstan_calibration import choose, margin_weights, split_by_rank
from survey_kit.errors import ArgumentError, ConvergenceError, OutputError

RAW = Path(__file__).resolve().parents[2] / "data" / "raw" / "kazakhstan-2022-12"
SHARED = Path(__file__).resolve().parents[3] / "shared" / "data" / "kazakhstan" / "margins.csv"
COST = [f"q3{k}" for k in "abcde"]
SECURITY = [f"q4{k}" for k in "abcde"]
REASONS = [f"q2_{k}" for k in range(1, 10)]
MEDIA = [f"q9_{k}" for k in range(1, 8)]
CODES_SHA256 = "fea7c1a89a01b8dc98ddd9d3b9bfae2740ec9936b46990ad47d9999206829c18"


@pytest.fixture(scope="module")
def codes() -> pd.DataFrame:
    return kazakhstan()[0]


@pytest.fixture(scope="module")
def codebook() -> Codebook:
    return kazakhstan()[1]


def naive_rake(codes: pd.DataFrame, targets: pd.DataFrame, rounds: int = 400) -> np.ndarray:
    """Iterative proportional fitting, written without the package."""
    w = codes["basewt"].to_numpy(copy=True)
    for _ in range(rounds):
        for name, rows in targets.groupby("variable"):
            for category, share in zip(rows["category"], rows["target"], strict=True):
                inside = (codes[name] == category).to_numpy()
                w[inside] *= share * w.sum() / w[inside].sum()
    return w / w.mean()


def percent(hit: pd.Series, w: np.ndarray) -> float:
    return 100 * float(np.average(hit, weights=w))


def fingerprint(codes: pd.DataFrame) -> str:
    """SHA-256 of names and values; times as seconds since 1970."""
    digest = hashlib.sha256(",".join(codes.columns).encode())
    for name in codes:
        column = codes[name]
        if pd.api.types.is_datetime64_any_dtype(column):
            column = (column - pd.Timestamp(0)).dt.total_seconds()
        digest.update(np.ascontiguousarray(column.to_numpy(dtype="<f8") + 0.0).tobytes())
    return digest.hexdigest()


def alpha(items: pd.DataFrame) -> float:
    """Cronbach's alpha of complete cases."""
    x = items.where(items < 90).dropna()
    k = x.shape[1]
    return k / (k - 1) * (1 - x.var().sum() / x.sum(axis=1).var())


class TestPublishedFigures:
    def test_they_hold_after_an_independent_raking(self, codes: pd.DataFrame) -> None:
        w = naive_rake(codes, margins())
        assert percent(codes["q1"].isin([4, 5]), w) == pytest.approx(38, abs=0.02)
        assert percent(codes["q5"].isin([1, 2]), w) == pytest.approx(30, abs=0.02)

    def test_they_hold_for_other_seeds(self) -> None:
        for seed in (0, 7):
            codes, _ = kazakhstan(seed)
            w = naive_rake(codes, margins())
            assert percent(codes["q1"].isin([4, 5]), w) == pytest.approx(38, abs=0.02)
            assert percent(codes["q5"].isin([1, 2]), w) == pytest.approx(30, abs=0.02)

    def test_weighting_matters(self, codes: pd.DataFrame) -> None:
        assert abs(100 * codes["q1"].isin([4, 5]).mean() - 38) > 1
        assert abs(100 * codes["q5"].isin([1, 2]).mean() - 30) > 1

    def test_design_effect_is_that_of_a_phone_poll(self, codes: pd.DataFrame) -> None:
        w = naive_rake(codes, margins())
        assert 1.3 < np.mean(w**2) < 1.6

    def test_readme_states_design_effect_and_unweighted_figures(self, codes: pd.DataFrame) -> None:
        stated = f"{100 * codes['q1'].isin([4, 5]).mean():.1f}% and {100 * codes['q5'].isin([1, 2]).mean():.1f}%"
        text = (RAW / "README.md").read_text(encoding="utf-8")
        assert stated in text
        assert f"(Kish): {np.mean(naive_rake(codes, margins()) ** 2):.2f}" in text


class TestReproducible:
    def test_two_calls_give_the_same_codes(self, codes: pd.DataFrame) -> None:
        pd.testing.assert_frame_equal(codes, kazakhstan()[0])

    def test_codes_are_the_known_ones(self, codes: pd.DataFrame) -> None:
        assert fingerprint(codes) == CODES_SHA256

    def test_hash_seed_of_the_interpreter_does_not_matter(self) -> None:
        program = (
            "from survey_kit.datasets import kazakhstan\nimport pandas as pd\n"
            "c, _ = kazakhstan()\nprint(pd.util.hash_pandas_object(c).sum())"
        )
        seen = {
            subprocess.run(
                [sys.executable, "-c", program], env={"PYTHONHASHSEED": s}, capture_output=True, text=True, check=True
            ).stdout
            for s in ("1", "2")
        }
        assert len(seen) == 1

    def test_another_seed_gives_other_people(self, codes: pd.DataFrame) -> None:
        assert not codes["age"].equals(kazakhstan(1)[0]["age"])

    @pytest.mark.parametrize("seed", [-1, 2**32, 1.5, "1", True])
    def test_a_bad_seed_is_refused(self, seed: object) -> None:
        with pytest.raises(ArgumentError, match="Give a whole number from 0 to 4294967295"):
            kazakhstan(seed)  # type: ignore[arg-type]


class TestFile:
    def test_committed_sav_holds_the_same_codes(self, codes: pd.DataFrame) -> None:
        pyreadstat = pytest.importorskip("pyreadstat")
        read, meta = pyreadstat.read_sav(RAW / "kazakhstan-2022-12.sav", user_missing=True)
        assert fingerprint(read) == CODES_SHA256
        assert "SYNTHETIC" in meta.file_label
        assert any("SYNTHETIC" in note for note in meta.notes)

    def test_committed_sav_holds_labels_missing_codes_and_sets(self, codebook: Codebook) -> None:
        pyreadstat = pytest.importorskip("pyreadstat")
        _, meta = pyreadstat.read_sav(RAW / "kazakhstan-2022-12.sav", user_missing=True)
        for v in codebook.variables.values():
            assert meta.column_names_to_labels[v.name] == v.label
            assert meta.variable_value_labels.get(v.name, {}) == dict(v.labels)
            declared = {r["lo"] for r in meta.missing_ranges.get(v.name, []) if r["lo"] == r["hi"]}
            assert declared == set(v.missing.values if v.missing else ())
        assert {k.removeprefix("$").lower() for k in meta.mr_sets} == {"q2", "q9"}

    def test_writing_gives_the_committed_codes_and_margins(self, tmp_path: Path, codes: pd.DataFrame) -> None:
        pyreadstat = pytest.importorskip("pyreadstat")
        notices = write_kazakhstan(tmp_path)
        assert [n.kind for n in notices] == []
        read, _ = pyreadstat.read_sav(tmp_path / "kazakhstan-2022-12.sav", user_missing=True)
        assert fingerprint(read) == fingerprint(codes)
        assert (tmp_path / "margins.csv").read_bytes() == (RAW / "margins.csv").read_bytes()

    def test_a_missing_folder_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(OutputError, match=r"No folder '.*nowhere'\. Create it first\."):
            write_kazakhstan(tmp_path / "nowhere")

    def test_readme_lists_every_variable_and_says_synthetic(self, codebook: Codebook) -> None:
        text = (RAW / "README.md").read_text(encoding="utf-8")
        assert "SYNTHETIC" in text.splitlines()[0]
        assert [n for n in codebook if f"| `{n}` |" not in text] == []


class TestCodebook:
    def test_title_and_notes_say_synthetic_and_what_is_published(self, codebook: Codebook) -> None:
        notes = " ".join(codebook.notes)
        assert "SYNTHETIC" in codebook.title
        assert "SYNTHETIC" in notes and "СИНТЕТИЧЕСКИЕ" in notes
        assert "38%" in notes and "30%" in notes and "Assumed: everything else" in notes

    def test_every_text_fits_the_sav_format(self, codebook: Codebook) -> None:
        def size(text: str) -> int:
            return len(text.encode("utf-8"))

        assert size(codebook.title) <= 64
        assert max(size(n) for n in codebook.notes) <= 80
        for v in codebook.variables.values():
            assert 0 < size(v.label) <= 256, v.name
            assert all(0 < size(t) <= 120 for t in v.labels.values()), v.name
        assert all(size(s.label) <= 256 for s in codebook.sets.values())

    @pytest.mark.parametrize("position", [0, 1])
    def test_every_label_has_both_languages(self, codebook: Codebook, position: int) -> None:
        one = codebook.in_language(position)
        for v in one.variables.values():
            cyrillic = any("\u0430" <= c <= "\u044f" for c in v.label.lower())
            assert cyrillic == (position == 1), v.label
            assert " | " not in v.label + v.question + "".join(v.labels.values())

    def test_the_separator_is_never_part_of_a_text(self, codebook: Codebook) -> None:
        for v in codebook.variables.values():
            assert all(t.count("|") == t.count(" | ") <= 1 for t in (v.label, v.question, *v.labels.values()))

    def test_dont_know_and_refused_are_declared(self, codebook: Codebook) -> None:
        answered = [v for v in codebook.variables.values() if {98, 99} & set(v.labels)]
        assert len(answered) == 18
        for v in answered:
            assert v.missing is not None
            assert set(v.missing.values) == {98, 99} & set(v.labels)

    def test_each_code_is_labelled(self, codes: pd.DataFrame, codebook: Codebook) -> None:
        for v in codebook.variables.values():
            if v.labels:
                assert set(codes[v.name].dropna()) <= set(v.labels), v.name
            else:
                assert v.measure == "scale" or v.name in {"id", "interviewer"}

    def test_columns_follow_the_codebook(self, codes: pd.DataFrame, codebook: Codebook) -> None:
        assert list(codes) == list(codebook)
        assert codes.shape == (1100, 51)
        assert codebook.weight == "basewt"

    def test_multiple_response_sets(self, codebook: Codebook) -> None:
        assert codebook.sets["q2"].columns == tuple(REASONS)
        assert codebook.sets["q9"].columns == tuple(MEDIA)
        assert all(s.counted == 1 and s.question for s in codebook.sets.values())

    def test_battery_items_carry_their_stem(self, codebook: Codebook) -> None:
        wording = codebook.in_language(0)["q4b"].wording
        assert wording == "Do you agree or disagree? Russia could use the arrivals as a pretext"


class TestMargins:
    def test_shares_sum_to_one(self) -> None:
        sums = margins().groupby("variable")["target"].sum()
        assert sorted(sums.index) == ["ethnicity3", "settlement", "sexage"]
        assert np.allclose(sums, 1, atol=1e-9)

    def test_every_row_has_base_date_source_and_status(self) -> None:
        table = margins()
        for name in ("label", "base", "date", "source", "status"):
            assert (table[name].str.len() > 3).all(), name
        assert table["date"].str.fullmatch(r"\d{4}-\d\d-\d\d").all()

    def test_categories_are_codes_of_the_file(self, codes: pd.DataFrame, codebook: Codebook) -> None:
        english = codebook.in_language(0)
        for name, rows in margins().groupby("variable"):
            assert set(rows["category"]) == set(codes[name])
            assert dict(zip(rows["category"], rows["label"], strict=True)) == dict(english[name].labels)

    def test_they_are_the_recommended_ones(self) -> None:
        if not SHARED.exists():
            pytest.skip("the folder with the sources is not here")
        given = pd.read_csv(SHARED)
        names = {"sexage": "sex_x_age_hybrid", "ethnicity3": "ethnicity3", "settlement": "urban"}
        for name, source in names.items():
            ours = margins().loc[lambda t, name=name: t["variable"] == name]
            theirs = given.loc[given["variable"] == source]
            assert ours["target"].tolist() == theirs["share"].tolist()
            assert ours["source"].tolist() == theirs["source"].tolist()
            assert ours["base"].tolist() == theirs["base"].tolist()

    def test_data_folder_and_package_hold_the_same_table(self) -> None:
        stored = pd.read_csv(RAW / "margins.csv", keep_default_na=False)
        pd.testing.assert_frame_equal(stored, margins())


class TestSample:
    def test_it_is_off_the_margins_as_phone_polls_are(self, codes: pd.DataFrame) -> None:
        share = {k: codes[k].value_counts(normalize=True) for k in ("sexage", "ethnicity3", "settlement", "language")}
        assert share["sexage"].loc[[1, 2]].sum() > 0.28 + 0.03  # men under 45: 28% of adults
        assert share["sexage"].loc[[4, 8]].sum() < 0.201 - 0.05  # 60 and over: 20%
        assert share["ethnicity3"][1] == pytest.approx(0.61, abs=0.03)
        assert share["ethnicity3"][2] == pytest.approx(0.24, abs=0.03)
        assert share["settlement"][1] > 0.618 + 0.05
        assert share["language"][1] == pytest.approx(0.25, abs=0.03)

    def test_batteries_are_reliable_but_not_perfect(self, codes: pd.DataFrame) -> None:
        assert 0.80 <= alpha(codes[COST]) <= 0.88
        assert 0.80 <= alpha(codes[SECURITY]) <= 0.88

    def test_dont_know_and_refused_stay_in_range(self, codes: pd.DataFrame) -> None:
        for name in ["q1", *COST, *SECURITY, "q5", "q6", "q7", "q8"]:
            assert 0.01 <= codes[name].isin([98, 99]).mean() <= 0.14, name

    def test_cost_drives_opposition_more_than_security(self, codes: pd.DataFrame) -> None:
        valid = codes[COST + SECURITY].where(codes[COST + SECURITY] < 90)
        cost, security = valid[COST].mean(axis=1), valid[SECURITY].mean(axis=1)
        oppose = codes["q1"].isin([4, 5]).astype(float)
        assert oppose.corr(cost) > oppose.corr(security) > 0.15

    def test_leaning_to_russia_grows_with_age_and_in_russian(self, codes: pd.DataFrame) -> None:
        russia = codes["q8"] == 2
        by_age = russia.groupby(codes["age4"]).mean()
        assert by_age[1] < 0.12 < 0.25 < by_age[4]
        assert russia[codes["language"] == 2].mean() > 1.5 * russia[codes["language"] == 1].mean()

    def test_base_weight_is_one_over_phones(self, codes: pd.DataFrame) -> None:
        scaled = codes["basewt"] * codes["phones"]
        assert scaled.max() - scaled.min() < 1e-5
        assert codes["basewt"].mean() == pytest.approx(1, abs=1e-6)

    def test_every_stratum_is_large(self, codes: pd.DataFrame) -> None:
        assert codes["stratum"].value_counts().min() > 60


class TestNothingImpossible:
    def test_reasons_only_from_opponents_and_from_all_of_them(self, codes: pd.DataFrame) -> None:
        opposed = codes["q1"].isin([4, 5])
        assert codes.loc[opposed, REASONS].notna().all(axis=None)
        assert codes.loc[~opposed, REASONS].isna().all(axis=None)
        assert (codes.loc[opposed, REASONS].sum(axis=1) >= 1).all()

    def test_dont_know_and_none_exclude_the_rest(self, codes: pd.DataFrame) -> None:
        assert codes.loc[codes["q2_9"] == 1, REASONS[:-1]].eq(0).all(axis=None)
        assert codes.loc[codes["q9_7"] == 1, MEDIA[:-1]].eq(0).all(axis=None)
        assert (codes[MEDIA].sum(axis=1) >= 1).all()

    def test_age_groups_agree(self, codes: pd.DataFrame) -> None:
        bands = np.digitize(codes["age"], [30, 45, 60]) + 1
        assert codes["age"].between(18, 85).all()
        assert (codes["age4"] == bands).all()
        assert (codes["sexage"] == 4 * (codes["sex"] - 1) + codes["age4"]).all()

    def test_cities_are_urban(self, codes: pd.DataFrame) -> None:
        assert (codes.loc[codes["region"].isin([1, 2, 3]), "settlement"] == 1).all()

    def test_no_interviewer_holds_two_interviews_at_once(self, codes: pd.DataFrame) -> None:
        calls = codes.sort_values(["interviewer", "started"])
        gap = (calls["started"].shift(-1) - calls["started"]).dt.total_seconds() - calls["duration"]
        same = calls["interviewer"] == calls["interviewer"].shift(-1)
        assert (gap[same] > 0).all()

    def test_clock_and_calendar(self, codes: pd.DataFrame) -> None:
        started = codes["started"]
        assert started.is_monotonic_increasing
        assert (started.dt.day == codes["day"]).all()
        assert started.dt.strftime("%Y-%m").unique().tolist() == ["2022-12"]
        assert started.dt.hour.between(10, 21).all()
        assert codes["id"].tolist() == list(range(1, 1101))

    def test_interviewers_without_kazakh_interview_in_russian(self, codes: pd.DataFrame) -> None:
        assert set(codes["interviewer"]) == set(range(1, 25))
        assert (codes.loc[codes["interviewer"] >= 18, "language"] == 2).all()

    def test_there_are_speeders_and_they_are_few(self, codes: pd.DataFrame) -> None:
        short = codes["duration"] < codes["duration"].median() / 2
        assert 10 <= short.sum() <= 60
        straight = codes[COST].nunique(axis=1) == 1
        assert straight[short].mean() > 3 * straight[~short].mean()


class TestCalibration:
    def test_choose_meets_a_share_that_a_cut_cannot(self) -> None:
        score = np.array([5.0, 4.0, 3.0, 2.0, 1.0])
        weights = np.array([0.30, 0.10, 0.25, 0.20, 0.15])
        chosen = choose(score, weights, np.ones(5, dtype=bool), 0.50)
        assert weights[chosen].sum() == pytest.approx(0.50)

    def test_choose_takes_eligible_people_only(self) -> None:
        eligible = np.array([False, True, True, True])
        chosen = choose(np.arange(4.0)[::-1], np.full(4, 0.25), eligible, 0.50)
        assert chosen.tolist() == [False, True, True, False]

    def test_split_by_rank_holds_the_shares(self) -> None:
        groups = split_by_rank(np.array([0.3, 0.1, 0.9, 0.7]), (0.5, 0.25, 0.25))
        assert groups.tolist() == [0, 0, 2, 1]

    def test_margins_that_contradict_each_other_raise(self) -> None:
        codes = pd.DataFrame({"a": [1, 2], "b": [1, 2]})
        targets = {"a": np.array([0.5, 0.5]), "b": np.array([0.4, 0.6])}
        with pytest.raises(ConvergenceError, match="No weights of the synthetic sample meet all margins"):
            margin_weights(codes, np.ones(2), targets)
