"""The notebook object: codes, codebook, design, and the verbs bound to them. No statistics live here."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from survey_kit import estimation, io, models, recode, weighting
from survey_kit.block_cache import BlockCache
from survey_kit.codebook import Code, Codebook, Variable
from survey_kit.codebook_view import SurveyCodebook
from survey_kit.design.bind_cache import BindCache
from survey_kit.design.bound import BoundDesign
from survey_kit.design.design import Design
from survey_kit.design.subset import marked, refuse_subset, unmarked
from survey_kit.design.unused_weight import unused_weight
from survey_kit.design.verbs import replicate, with_design, with_replicates, with_second_phase
from survey_kit.errors import ArgumentError, DesignError, SurveyWarning, unknown
from survey_kit.recode.recipe import Recipe
from survey_kit.results.weights import Weights
from survey_kit.schema import Notice
from survey_kit.weighting.record.assemble import weight_notices

Names = str | Sequence[str] | None


@dataclass(frozen=True, eq=False, repr=False)
class Survey:
    """A survey: what was answered, what it means, and how people were sampled.

    Attributes:
        codes: codes as in the file, user-missing codes included. Shape (n, columns). Treat it as read-only.
        codebook: labels, missing rules, wording.
        design: names of the design columns.
        domain: rows inside the domain set by `where`, or None. Shape (n,).
        notices: what reading and weighting left to say.
        weights: the record of the last weighting (targets, what was reached, deff), or None.
        blocks, bindings: questions that were encoded before and designs that were bound; shared by domains.
    """

    codes: pd.DataFrame
    codebook: Codebook
    design: Design = Design()
    domain: np.ndarray | None = None
    condition: str = ""
    notices: tuple[Notice, ...] = ()
    weights: Weights | None = None
    blocks: BlockCache = field(default_factory=BlockCache)
    bindings: BindCache = field(default_factory=BindCache)

    def __post_init__(self) -> None:
        book = SurveyCodebook.of(self.codebook, self.codes, self.design, self.domain, self.condition)
        object.__setattr__(self, "codebook", book)

    # --- views -------------------------------------------------------------------------------------------------

    @cached_property
    def data(self) -> pd.DataFrame:
        """The labelled view: ordered Categoricals, user-missing as NaN; rows of the domain only."""
        view = marked(recode.labelled_view(self.codes, self.codebook), len(self.codes), self.design)
        return view if self.domain is None else view[self.domain]

    @property
    def bound(self) -> BoundDesign:
        """The design in numbers, checked against the data."""
        return self.bindings.bound(self.design, self.codes)

    @property
    def weight(self) -> pd.Series:
        """The weight in force."""
        return pd.Series(self.bound.weight, index=self.codes.index, name=self.design.weight or "weight")

    def __len__(self) -> int:
        return len(self.codes) if self.domain is None else int(self.domain.sum())

    def __getitem__(self, name: str) -> Variable:
        return self.codebook[name]

    def __repr__(self) -> str:
        within = f", {len(self)} inside where {self.condition}" if self.domain is not None else ""
        title = f"{self.codebook.title}: " if self.codebook.title else ""
        idle = unused_weight(self)
        unused = f"; the file's weight {idle!r} is not in use" if idle else ""
        shape = f"{len(self.codes)} rows, {self.codes.shape[1]} columns"
        return f"Survey({title}{shape}{within}; {self.design.describe()}{unused})"

    # --- design ------------------------------------------------------------------------------------------------

    def redesigned(self, design: Design, within: tuple[np.ndarray, str] | None = None) -> Survey:
        """The survey under another design, with what there is to say of it; what was said of the old one goes.

        Args:
            within: rows that become the domain, shape (n,), and how they are named.
        """
        survey = replace(self, codes=marked(self.codes, len(self.codes), design), design=design, weights=None)
        told = (*self._lasting(), *weight_notices(survey.bound.weight), *design.notices)
        survey = replace(survey, notices=told)
        return survey if within is None else survey._within(*within)

    def _lasting(self) -> tuple[Notice, ...]:
        """Notices that do not depend on the weight and the design in force."""
        return tuple(n for n in self.notices if n.kind != "extreme_weights" and n not in self.design.notices)

    def where(self, condition: str) -> Survey:
        """A domain: estimates are for these rows, the design stays whole. R: subset(design, ...)."""
        return self._within(recode.evaluate(condition, self.codes, self.codebook), condition)

    def _within(self, inside: np.ndarray, condition: str) -> Survey:
        both = inside if self.domain is None else inside & self.domain
        text = condition if not self.condition else f"({self.condition}) and ({condition})"
        return replace(self, domain=both, condition=text)

    def reweighted(self, weights: Weights) -> Survey:
        """The survey under new weights, which become a column named "weight" (or "weight_2", ...)."""
        if self.domain is not None:
            raise DesignError("Weighting a domain is not available. Weight the whole survey, then use where().")
        if self.design.replicates is not None and weights.replicates is None:
            raise DesignError("These weights have no replicates. Weight with the survey's own verb, poll.rake(...).")
        if not weights.values.index.equals(self.codes.index):
            raise DesignError(
                f"These weights are of {len(weights.values)} rows with another index than the survey's {len(self.codes)}. "
                "Weight the survey's own rows: poll.codes, or poll.rake(...)."
            )
        start, added = weights.since(self.weights)
        if self.design.adjustments and not np.allclose(start, self.weight, rtol=1e-9, atol=0):
            raise DesignError(
                "These weights do not start from the weight of the survey, which was weighted already. Chain the step, "
                "base=poll.weights, or state the design anew, with_design(...), and then attach them."
            )
        name = _free_name("weight", self.codes)
        variable = Variable(name, label=weights.label, measure="scale")
        survey = self.with_column(weights.values.rename(name), variable)
        design = self.design.reweighted(name, added, weights.standing)
        if design.replicates is not None:
            again = design.replicates.repeated(weights.replicates, self.bound)
            design = replace(design, adjustments=(), replicates=again)
        codes = marked(survey.codes, len(survey.codes), design)
        told = tuple(dict.fromkeys((*self._lasting(), *weights.notices, *design.notices)))
        return replace(survey, codes=codes, design=design, notices=told, weights=weights)

    # --- columns -----------------------------------------------------------------------------------------------

    def with_column(self, values: pd.Series, variable: Variable) -> Survey:
        """The survey with a column added, or replaced when it exists."""
        if len(values) != len(self.codes):
            raise ArgumentError(f"{variable.name!r} has {len(values)} values for {len(self.codes)} rows.")
        codes = self.codes.assign(**{variable.name: pd.Series(values).to_numpy()})
        return replace(self, codes=codes, codebook=self.codebook.with_variable(variable))

    def with_codebook(self, codebook: Codebook) -> Survey:
        """The same codes with another codebook; every column needs an entry."""
        lacking = [c for c in self.codes if c not in codebook]
        if lacking:
            raise ArgumentError(f"The codebook has no entry for column {lacking[0]!r}.")
        return replace(self, codebook=codebook)

    def in_language(self, position: int, separator: str = " | ") -> Survey:
        """Labels of one language, where labels hold several ("Oppose | Против"); positions start at 0."""
        return replace(self, codebook=self.codebook.in_language(position, separator))

    def declare_missing(
        self,
        column: str | Mapping[str, Sequence[Code]],
        values: Sequence[Code] = (),
        ranges: Sequence[tuple[float, float]] = (),
    ) -> Survey:
        """State which codes of a column are user-missing; they join those that are already. SPSS: MISSING VALUES.

        With no values and no ranges every code is an answer: an older rule is lifted, and codes that look like "don't
        know" are no longer asked about.

        Args:
            column: one column, or a mapping of columns to their missing codes: {"q1": [98, 99], "q2": ["Refused"]}.
            values, ranges: of one column: codes or labels, and closed ranges with math.inf for LO and HI.
        """
        if not isinstance(column, str) and (values or ranges):
            raise ArgumentError("values and ranges are for one column; a mapping has the codes of each column in it.")
        book = self.codebook
        asked = {column: values} if isinstance(column, str) else column
        for name, codes in asked.items():
            lift = not len(codes) and not ranges
            book = recode.declare_missing(book, name, codes, ranges, replace_rule=lift)
        left = [n for n in self.notices if n.kind != "undeclared_missing"]
        return replace(self, codebook=book, notices=(*left, *io.undeclared_missing(book)))

    def undeclared(self) -> dict[str, list[Code]]:
        """Codes that look like "don't know" or "refused" and are not declared missing, by column."""
        found = {v.name: recode.looks_like_nonresponse(v) for v in self.codebook.variables.values()}
        return {name: codes for name, codes in found.items() if codes}

    def missing(self, column: str) -> pd.Series:
        """The reason why each row has no valid answer, NaN where it has one: `poll.missing("q5").value_counts()`."""
        reasons = recode.missing_reasons(self.codes, self.codebook, column)
        return reasons if self.domain is None else reasons[self.domain]

    def relabel(self, column: str, **changes: Any) -> Survey:
        """Change fields of a column's codebook entry: label, labels (all of them), question, measure, filter, missing."""
        known = [f.name for f in fields(Variable) if f.name != "name"]
        for key in changes:
            if key not in known:
                raise unknown("field of a codebook entry", key, known)
        return replace(self, codebook=self.codebook.with_changes(column, **changes))

    def recode(self, recipes: Mapping[str, Recipe] | None = None, /, **named: Recipe) -> Survey:
        """Make new variables and multiple-response sets: `poll.recode(age4=sk.bands("age", [18, 30, 45, 60]))`.

        Recipes are `sk.bands`, `sk.collapse`, `sk.net`, `sk.reverse`, `sk.mapping`, `sk.cross` and
        `sk.multiple_response`. They run in the order given, and a later one may use what an earlier one made. Labels,
        order and missing rules follow; `poll[name].origin` says how the variable was made. A column is replaced only by
        a recipe of itself (`q1=sk.reverse("q1")`), or where a recode made it before.

        Args:
            recipes: name -> recipe, for names that are no Python words: `poll.recode({"age group": sk.bands(...)})`.
            named: the same, with names as keywords.

        Raises:
            ArgumentError: a name that is taken or that belongs to the design; whatever a recipe refuses.
        """
        both = sorted({*(recipes or {})} & {*named})
        if both:
            raise ArgumentError(f"{both[0]!r} is given twice, in the mapping and as a keyword.")
        given = {**(recipes or {}), **named}
        replicates = self.design.replicates
        fixed = {*self.design.columns, *(() if replicates is None else replicates.columns)}
        made = recode.run(self.codes, self.codebook, given, fixed)
        told = tuple(dict.fromkeys((*self.notices, *made.notices)))
        return replace(self, codes=made.codes, codebook=made.codebook, notices=told)

    # --- files -------------------------------------------------------------------------------------------------

    def save(self, path: str | Path) -> tuple[Notice, ...]:
        """Write codes and codebook, atomically; the ending names the format. SPSS: SAVE OUTFILE; R: haven::write_sav.

        All rows are written, also those outside a domain. The weight in force is declared as the weight of the file, where the
        format knows one. What the format cannot hold is returned and said in one SurveyWarning.

        Args:
            path: .sav .zsav .por .dta .xpt .csv .tsv .xlsx .parquet .feather or .sss.
        """
        lost = io.write_file(path, unmarked(self.codes), self._book_of_file())
        _say(lost)
        return lost

    def _book_of_file(self) -> Codebook:
        weight = self.design.weight
        return self.codebook if weight is None or weight not in self.codes else replace(self.codebook, weight=weight)

    # --- verbs: the functions themselves -----------------------------------------------------------------------

    with_design = with_design
    with_second_phase = with_second_phase
    with_replicates = with_replicates
    replicate = replicate
    cdf = estimation.cdf
    correlation = estimation.correlation
    count = estimation.count
    covariance = estimation.covariance
    gini = estimation.gini
    mean = estimation.mean
    median = estimation.median
    proportion = estimation.proportion
    quantile = estimation.quantile
    ratio = estimation.ratio
    sd = estimation.sd
    share = estimation.share
    statistic = estimation.statistic
    total = estimation.total
    variance = estimation.variance
    adjust_nonresponse = weighting.adjust_nonresponse
    anesrake = weighting.anesrake
    base_weights = weighting.base_weights
    calibrate = weighting.calibrate
    cbps = weighting.cbps
    dual_frame = weighting.dual_frame
    match = weighting.match
    normalize = weighting.normalize
    poststratify = weighting.poststratify
    propensity = weighting.propensity
    rake = weighting.rake
    redistribute_unknown = weighting.redistribute_unknown
    trim = weighting.trim
    trim_mse = weighting.trim_mse
    glm = models.glm
    scale = models.scale


def read(path: str | Path, **options: Any) -> Survey:
    """Open a survey file. R: haven::read_sav(user_na = TRUE); SPSS: GET FILE.

    Codes are kept as in the file; labels, missing values and wording are in `codebook`. What a careful reader should
    know (a guessed encoding, codes like "don't know" that are not declared missing) is in `notices`, and said aloud as
    SurveyWarning. The weight that a file declares is noted in `codebook.weight` and not applied: say
    `.with_design(weight=...)`.

    Args:
        path: .sav .zsav .por (SPSS), .dta (Stata), .sas7bdat .xpt (SAS), .csv .tsv .txt, .xlsx .xlsm .xls .ods,
            .parquet .feather, or .sss (Triple-S).
        **options: columns, row_limit, metadata_only, codebook, cache, encoding, errors, allow_truncated, catalog, sheet,
            header, delimiter, decimal, na; see `survey_kit.io.read_file`.

    Raises:
        ReadError: names the file, the place and the way out.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     file = Path(folder, "poll.csv")
        ...     _ = file.write_text("id,age\\n1,34\\n2,51\\n", encoding="utf-8")
        ...     poll = read(file)
        >>> poll
        Survey(2 rows, 2 columns; equal weights, each respondent a sampling unit)
    """
    survey = open_file(path, **options)
    _say(survey.notices)
    return survey


def open_file(path: str | Path, **options: Any) -> Survey:
    """`read` without a word: for programs that show the notices themselves."""
    known = list(signature(io.read_file).parameters)[1:]
    for name in options:
        if name not in known:
            raise unknown("option of read", name, known)
    contents = io.read_file(path, **options)
    return Survey(contents.codes, contents.codebook, notices=contents.notices)


_QUIET = ("decimal", "partial")  # what a reader asked for or will see anyway


def _say(notices: Sequence[Notice]) -> None:
    """Notices as one warning at the line that called `read` or `save`."""
    texts = [n.text for n in notices if not (n.kind in _QUIET or (n.kind == "weight" and n.count == 0))]
    if texts:
        warnings.warn("\n".join(texts), SurveyWarning, stacklevel=3)


def from_frame(df: pd.DataFrame, codebook: Codebook | None = None, own_sample: bool = False) -> Survey:
    """Any DataFrame as a Survey; Categoricals and text become labelled codes. `df` is not changed.

    Args:
        df: one row for each respondent.
        codebook: what the codes mean; made from the frame when None.
        own_sample: take a part of another survey's rows (`poll.data[...]`) as a sample of its own. Without it such a
            frame is refused, since a subset of rows is not a domain: say `poll.where(...)`.

    Raises:
        ArgumentError, UnknownNameError. DesignError: the frame is a part of a survey that had a design.
    """
    if not isinstance(df, pd.DataFrame):
        raise ArgumentError(f"from_frame takes a pandas DataFrame, got {type(df).__name__}.")
    if not own_sample:
        refuse_subset(df)
    df = unmarked(df)
    if codebook is None:
        codes, codebook = recode.from_frame_codebook(df)
        return Survey(codes, codebook)
    lacking = [c for c in df.columns if c not in codebook]
    if lacking:
        raise unknown("column", lacking[0], codebook)
    return Survey(df.copy(), codebook)


def _free_name(wanted: str, codes: pd.DataFrame) -> str:
    name, number = wanted, 2
    while name in codes:
        name, number = f"{wanted}_{number}", number + 1
    return name
