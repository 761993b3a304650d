"""The parts of a study file that say what the data are: file, missing codes, wording, recodes, design, weighting."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from survey_kit.design.build_replicates import BUILT
from survey_kit.reports.study_base import Code, FilePath, Name, Part


class Language(Part):
    """Which language of labels that hold several, such as "Oppose | Против"."""

    position: int = Field(0, ge=0, le=20)
    """Place of the language in each label; the first is 0."""
    separator: str = Field(" | ", min_length=1)
    """What stands between the languages."""


class Data(Part):
    """The microdata."""

    file: FilePath | None = None
    """Path of the data file, relative to the study file. Leave it out when the data are given by `--data`."""
    encoding: str | None = None
    """Text encoding, where the file states a wrong one or none."""
    codebook: FilePath | None = None
    """Labels and wording for data that have none: a YAML, CSV or JSON codebook, or an XLSForm, beside the study file."""
    language: Language | None = None
    """Which language to show, where labels hold several."""


class Missing(Part):
    """Codes that mean "no answer"."""

    codes: tuple[Code, ...] = ()
    """Single codes."""
    ranges: tuple[tuple[float, float], ...] = ()
    """Closed ranges of codes, as [low, high]."""

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        return {"codes": value} if isinstance(value, list) else value


class VariableText(Part):
    """What the file's codebook lacks or cuts short, for one variable or multiple-response set."""

    label: str | None = None
    """Short label, shown in tables and charts."""
    question: str | None = None
    """Verbatim wording."""
    filter: str | None = None
    """Who was asked."""
    labels: dict[str, str] | None = None
    """Code -> label; codes that are not named keep their label."""
    measure: Literal["nominal", "ordinal", "scale"] | None = None
    """Kind of scale. The order of "ordinal" answers is kept in charts."""


class Bands(Part):
    """A number cut into bands."""

    bands: Name
    """The numeric variable."""
    breaks: tuple[float, ...]
    """Lower edges: [18, 30, 45] makes 18-29, 30-44, 45+."""
    name: Name
    """Name of the new variable."""
    label: str = ""
    """Label of the new variable; that of the old one when left out."""
    labels: tuple[str, ...] | None = None
    """Labels of the bands, where those made from the edges will not do."""


class Collapse(Part):
    """Answers merged into groups."""

    collapse: Name
    """The variable."""
    groups: dict[str, tuple[Code, ...]]
    """New answer -> answers that it holds, by label or code."""
    name: Name
    """Name of the new variable."""
    label: str = ""
    """Label of the new variable; that of the old one when left out."""
    other: str | None = None
    """Answer for all that no group names; without it every answer must have a group."""


class Net(Part):
    """A 0/1 variable: 1 where one of the answers was given."""

    net: Name
    """The variable, or a multiple-response set."""
    answers: tuple[Code, ...]
    """Answers that count as 1, by label or code; of a set of dichotomies, its columns by label or name."""
    name: Name
    """Name of the new variable."""
    label: str = ""
    """Label of the new variable; that of the old one when left out."""
    missing: Literal["exclude", "zero"] = "exclude"
    """"exclude": rows without an answer stay missing. "zero": they count as 0, so the base is everyone asked."""
    labels: tuple[str, str] = ("No", "Yes")
    """Labels of 0 and 1."""


class Reverse(Part):
    """A scale turned round: lowest + highest - code. Labels go with the answers."""

    reverse: Name
    """The variable."""
    name: Name
    """Name of the new variable; that of the old one to replace it."""
    label: str = ""
    """Label of the new variable; that of the old one when left out."""
    low: int | None = None
    """Lowest code of the scale, where labels do not say it."""
    high: int | None = None
    """Highest code of the scale, where labels do not say it."""


class Mapping(Part):
    """Answers under new codes."""

    mapping: Name
    """The variable."""
    codes: dict[str, Code | None]
    """Old answer, by label or code -> new code; null makes it missing. Every answer needs one, unless `other` is said."""
    name: Name
    """Name of the new variable; that of the old one to replace it."""
    label: str = ""
    """Label of the new variable; that of the old one when left out."""
    labels: dict[str, str] = Field(default_factory=dict)
    """New code -> label, where the label of the old answer will not do."""
    missing: tuple[Code, ...] = ()
    """New codes that mean "no answer"."""
    other: Code | None = None
    """What becomes of answers that are not named: "keep" their code, make them "missing", or one code for all."""


class Cross(Part):
    """Categorical variables crossed into one."""

    cross: tuple[Name, ...] = Field(min_length=2)
    """The variables."""
    name: Name
    """Name of the new variable."""
    label: str = ""
    """Label of the new variable."""


class MultipleResponseSet(Part):
    """Columns as one question with several answers. Its name can be asked like that of a variable."""

    multiple_response: tuple[Name, ...]
    """The columns, in the order of the answers; "m_*" stands for all columns that match."""
    name: Name
    """Name of the set."""
    counted: Code | None = 1
    """Code or label that means "mentioned". null: the columns hold the first, second ... answer and share their labels."""
    label: str = ""
    """Label of the set."""
    question: str = ""
    """Verbatim wording."""

    @field_validator("multiple_response", mode="before")
    @classmethod
    def _one_or_several(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value


class Scale(Part):
    """An index: the mean of several items, with its reliability."""

    scale: tuple[Name, ...] = Field(min_length=2)
    """The items."""
    name: Name
    """Name of the new variable."""
    label: str = ""
    """Label of the new variable."""
    reverse: tuple[Name, ...] = ()
    """Items that point the other way."""


RECODES: dict[str, type[Part]] = {  # "scale" before "reverse", which is one of its fields
    "bands": Bands,
    "collapse": Collapse,
    "net": Net,
    "scale": Scale,
    "reverse": Reverse,
    "mapping": Mapping,
    "cross": Cross,
    "multiple_response": MultipleResponseSet,
}


def _which_recode(value: Any) -> str | None:
    if isinstance(value, Part):
        return next(k for k, c in RECODES.items() if isinstance(value, c))
    if not isinstance(value, dict):
        return None
    return next((key for key in RECODES if key in value), None)


Recode = Annotated[
    Annotated[Bands, Tag("bands")]
    | Annotated[Collapse, Tag("collapse")]
    | Annotated[Net, Tag("net")]
    | Annotated[Reverse, Tag("reverse")]
    | Annotated[Mapping, Tag("mapping")]
    | Annotated[Cross, Tag("cross")]
    | Annotated[MultipleResponseSet, Tag("multiple_response")]
    | Annotated[Scale, Tag("scale")],
    Discriminator(
        _which_recode,
        custom_error_type="recode",
        custom_error_message=f"A step needs one of these keys: {', '.join(RECODES)}",
    ),
]


class Replicates(Part):
    """Replicate weights: columns that came with the data, or weights built from the design."""

    method: Literal["JK1", "JKn", "JK2", "BRR", "Fay", "bootstrap", "SDR", "ACS", "other"]
    """How they were made."""
    weights: str | tuple[Name, ...] | None = None
    """Their columns, or a regular expression for the names, such as PWGTP[0-9]+. Leave it out to build them."""
    rho: float | None = Field(None, ge=0, lt=1)
    """Fay's coefficient."""
    scale: float | None = Field(None, gt=0)
    """Constant of the variance, where the method leaves it open."""
    rscales: float | tuple[float, ...] | None = None
    """Constant of each replicate."""
    mse: bool | None = None
    """Deviations from the estimate instead of the mean of the replicates."""
    combined: bool = True
    """No when the columns are factors on the weight."""
    degf: float | None = Field(None, gt=0)
    """Degrees of freedom, when they are known."""
    replicates: int | None = Field(None, ge=2, le=100_000)
    """How many to build (bootstrap, SDR)."""
    seed: int | None = Field(None, ge=0)
    """Seed of a bootstrap that is built."""
    bootstrap: Literal["Rao-Wu", "Canty-Davison", "Preston"] | None = None
    """Kind of a bootstrap that is built."""
    order: Name | None = None
    """Column with each unit's place in the order of sampling (SDR that is built); the order of the file when left out."""

    @model_validator(mode="after")
    def _given_or_built(self) -> Replicates:
        if self.weights is None and self.method not in BUILT:
            raise ValueError(
                f"`weights` is missing, the columns of the {self.method} replicate weights: only {', '.join(BUILT)} are built "
                "from the design"
            )
        for_given = ("scale", "rscales", "degf")
        for_built = ("replicates", "seed", "bootstrap", "order")
        idle = for_given if self.weights is None else for_built
        stray = [name for name in idle if getattr(self, name) is not None]
        if self.weights is None and not self.combined:
            stray = [*stray, "combined"]
        if stray:
            kind = "built from the design (no `weights`)" if self.weights is None else "given by `weights`"
            raise ValueError(f"{stray[0]!r} has no meaning for replicate weights that are {kind}; leave it out")
        return self


class SampleDesign(Part):
    """How people were sampled, by column names."""

    weight: Name | None = None
    """Base weight, or the final weight when there is no `weighting`."""
    strata: tuple[Name, ...] = ()
    """Strata; one column for each stage."""
    psu: tuple[Name, ...] = ()
    """Primary sampling units; one column for each stage. Without it each respondent is one."""
    fpc: tuple[Name, ...] = ()
    """Population sizes or sampling fractions; one column for each stage."""
    lonely_psu: Literal["fail", "remove", "certainty", "adjust", "average"] = "fail"
    """What a stratum with a single unit contributes to the variance."""
    lonely_domain: bool = False
    """Whether "adjust" or "average", one of which it needs, also holds for strata of which a subgroup leaves one unit."""
    pps: Literal["brewer", "overton", "hartley-rao", "poisson"] | None = None
    """How units of unequal probability were drawn without replacement; `fpc` then holds their probabilities."""
    replicates: Replicates | None = None
    """Replicate weights, in place of linearisation."""

    @field_validator("strata", "psu", "fpc", mode="before")
    @classmethod
    def _one_or_several(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value


class Weighting(Part):
    """Weighting to known margins. Leave it out to use the weight of `design` as it is."""

    method: Literal["rake"] = "rake"
    """How: raking."""
    targets: FilePath | dict[str, dict[str, float]]
    """A CSV file (variable, category, target) or YAML file beside the study file, or variable -> category -> share."""
    variables: tuple[Name, ...] | None = Field(None, min_length=1)
    """Which of the targets to use; all when left out."""
    lower: float | None = Field(None, ge=0, le=1)
    """Lowest weight allowed, as a multiple of the mean weight."""
    upper: float | None = Field(None, ge=1)
    """Highest weight allowed, as a multiple of the mean weight."""

    @field_validator("targets", mode="before")
    @classmethod
    def _file_or_mapping(cls, value: Any) -> Any:
        if not isinstance(value, (str, dict)):
            raise ValueError("Targets are the name of a file, or variable -> category -> share")
        return value
