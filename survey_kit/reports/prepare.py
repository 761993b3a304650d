"""From a study file and a data file to a weighted survey: pure steps, each of which leaves a new survey."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from survey_kit import models, recode, weighting
from survey_kit.codebook import Code, Codebook, Variable, format_code
from survey_kit.errors import ConfigError, UnsupportedOption, did_you_mean, listed
from survey_kit.reports.load import StudyFile
from survey_kit.reports.progress import Progress, begin
from survey_kit.reports.recipes import number_of, recipe_of
from survey_kit.reports.study_data import Missing, Replicates, Scale, VariableText
from survey_kit.reports.yaml_nodes import read_yaml
from survey_kit.results.scale import Scale as ScaleResult
from survey_kit.results.weights import Weights
from survey_kit.schema import Notice
from survey_kit.survey import Survey, open_file
from survey_kit.weighting.targets.read import read_targets


@dataclass(frozen=True, eq=False)
class Prepared:
    """A survey that is ready for estimation.

    Attributes:
        source: the study file. survey: recoded and weighted. weights: how it was weighted; None when the weight of the
            file is used as given. scales: the indices by name. inputs: every file that was read.
    """

    source: StudyFile
    survey: Survey
    weights: Weights | None
    scales: Mapping[str, ScaleResult]
    inputs: tuple[Path, ...]

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What reading, recoding and weighting left to say."""
        return self.survey.notices


def prepare(source: StudyFile, data: str | Path | None, progress: Progress) -> Prepared:
    """Read, declare missing, recode, design, weight.

    Raises:
        ConfigError: a mistake in the study file, with file, line and field.
        InputError, DesignError, TargetError, ConvergenceError: data that cannot be used.
    """
    path = data_path(source, data)
    begin(progress, "Read the data")
    survey = open_data(source, path)
    begin(progress, "Declare missing codes and labels")
    survey = described(source, declared(source, survey))
    begin(progress, "Make new variables")
    survey = recoded(source, survey)
    begin(progress, "Bind the design")
    survey = designed(source, survey)
    begin(progress, "Weight")
    survey, weights, files = weighted(source, survey)
    inputs = (source.path, path, *codebook_path(source), *files)
    return Prepared(source, survey, weights, reliabilities(source, survey), inputs)


def data_path(source: StudyFile, data: str | Path | None) -> Path:
    """The data file: the path handed in, else that of the study file."""
    if data is not None:
        return Path(data)
    stated = source.study.data.file
    if stated is None:
        place = ("data", "file") if "data" in source.tree.children else ("data",)
        raise source.error(place, "The study file names no data file. Give one with --data PATH (data=... in Python).")
    return source.inside(stated, ("data", "file"))


def codebook_path(source: StudyFile) -> tuple[Path, ...]:
    """The codebook that is laid over the data, where the study file names one."""
    stated = source.study.data.codebook
    return () if stated is None else (source.inside(stated, ("data", "codebook")),)


def open_data(source: StudyFile, path: Path) -> Survey:
    """The data file with the labels of one language."""
    stated = source.study.data
    options: dict[str, Any] = {} if stated.encoding is None else {"encoding": stated.encoding}
    for overlay in codebook_path(source):
        options["codebook"] = overlay
    survey = open_file(path, **options)
    if stated.language is None:
        return survey
    with source.at("data", "language"):
        return survey.in_language(stated.language.position, stated.language.separator)


def declared(source: StudyFile, survey: Survey) -> Survey:
    """The survey with the missing codes that the study file declares; an entry replaces what the file states."""
    book, texts = survey.codebook, []
    for name, rule in source.study.missing.items():
        with source.at("missing", name):
            names = _that_label(book, rule, source.study.missing) if name == "*" else [name]
            for each in names:
                book = recode.declare_missing(book, each, _known(book[each], rule), rule.ranges, replace_rule=True)
            if name == "*":
                texts.append(_star_text(rule, len(names)))
    kept = [n for n in survey.notices if n.kind != "undeclared_missing"]
    notices = [*kept, *(Notice("declared_missing", text) for text in texts), *_undeclared(book)]
    return replace(survey.with_codebook(book), notices=tuple(notices))


def _undeclared(book: Codebook) -> list[Notice]:
    """What reading said about codes like "don't know", said again for those that the study file left undeclared."""
    found = {v.name: codes for v in book.variables.values() if (codes := recode.looks_like_nonresponse(v))}
    if not found:
        return []
    shown = listed(f"{name} ({', '.join(map(format_code, codes))})" for name, codes in found.items())
    return [Notice("undeclared_missing", f"Labelled like no answer but treated as answers: {shown}.", len(found))]


def _that_label(book: Codebook, rule: Missing, own: Mapping[str, Missing]) -> list[str]:
    """Variables that label one of the codes and have no entry of their own."""
    return [n for n, v in book.variables.items() if n not in own and any(c in v.labels for c in rule.codes)]


def _known(variable: Variable, rule: Missing) -> list[Code]:
    """The rule's codes in the kind of the variable: text codes for text variables."""
    if variable.labels and all(isinstance(c, str) for c in variable.labels):
        return [format_code(c) for c in rule.codes]
    return list(rule.codes)


def _star_text(rule: Missing, count: int) -> str:
    shown = ", ".join(format_code(c) for c in rule.codes)
    return f"Codes {shown} mean no answer in the {count} variables that label one of them."


def described(source: StudyFile, survey: Survey) -> Survey:
    """The survey with the labels and wording that the study file adds."""
    book = survey.codebook
    for name, text in source.study.variables.items():
        with source.at("variables", name):
            book = _set_text(book, name, text) if name in book.sets else _variable_text(book, name, text)
    return survey.with_codebook(book)


def _set_text(book: Codebook, name: str, text: VariableText) -> Codebook:
    for option in ("filter", "labels", "measure"):
        if getattr(text, option) is not None:
            raise UnsupportedOption(
                f"{name!r} is a multiple-response set and has no {option}. State it for its columns."
            )
    old = book.sets[name]
    new = replace(old, label=text.label or old.label, question=text.question or old.question)
    return replace(book, sets={**book.sets, name: new})


def _variable_text(book: Codebook, name: str, text: VariableText) -> Codebook:
    """A new label does not take the wording away: where the file's label is the wording, it is kept as such."""
    given = {"label": text.label, "question": text.question, "filter": text.filter, "measure": text.measure}
    changes: dict[str, Any] = {k: v for k, v in given.items() if v is not None}
    if text.label is not None and text.question is None and book[name].label:
        changes["question"] = book[name].wording
    if text.labels:
        known = {format_code(c): c for c in book[name].labels}
        new = {known.get(code, number_of(code)): label for code, label in text.labels.items()}
        changes["labels"] = {**book[name].labels, **new}
    return book.with_changes(name, **changes)


def recoded(source: StudyFile, survey: Survey) -> Survey:
    """The survey with the new variables, in the order of the study file."""
    for number, step in enumerate(source.study.recode):
        with source.at("recode", number):
            if isinstance(step, Scale):
                survey = cast(Survey, _index(survey, step).survey)
            else:
                survey = survey.recode({step.name: recipe_of(survey, step)})
    return survey


def _index(survey: Survey, step: Scale) -> ScaleResult:
    return models.scale(survey, list(step.scale), step.name, reverse=list(step.reverse), label=step.label)


def reliabilities(source: StudyFile, survey: Survey) -> dict[str, ScaleResult]:
    """The indices with their reliability under the final weights, by name."""
    return {step.name: _index(survey, step) for step in source.study.recode if isinstance(step, Scale)}


def designed(source: StudyFile, survey: Survey) -> Survey:
    """The survey with its sampling design."""
    d = source.study.design
    with source.at("design"):
        bound = survey.with_design(
            weight=d.weight,
            strata=d.strata or None,
            psu=d.psu or None,
            fpc=d.fpc or None,
            lonely_psu=d.lonely_psu,
            lonely_domain=d.lonely_domain,
            pps=d.pps,
        )
    if d.replicates is not None:
        with source.at("design", "replicates"):
            bound = _replicated(bound, d.replicates)
    kept = (n for n in bound.notices if n.kind != "weight" or d.weight is None)
    return replace(bound, notices=tuple(kept))


def _replicated(survey: Survey, r: Replicates) -> Survey:
    """The survey with the replicate weights of the study: given ones, or ones built from its design."""
    if r.weights is None:
        return survey.replicate(
            r.method,
            replicates=r.replicates,
            seed=r.seed,
            rho=r.rho,
            mse=bool(r.mse),
            bootstrap=r.bootstrap,
            order=r.order,
        )
    return survey.with_replicates(
        r.weights,
        r.method,
        rho=r.rho,
        scale=r.scale,
        rscales=r.rscales,
        mse=r.mse,
        combined=r.combined,
        degf=r.degf,
    )


def weighted(source: StudyFile, survey: Survey) -> tuple[Survey, Weights | None, tuple[Path, ...]]:
    """The weighted survey, the record of its weights, and the files of targets."""
    asked = source.study.weighting
    if asked is None:
        return survey, None, ()
    targets, files = _targets(source, survey)
    with source.at("weighting"):
        raked = cast(Survey, weighting.rake(survey, targets, lower=asked.lower, upper=asked.upper))
    return raked, raked.weights, files


def _targets(source: StudyFile, survey: Survey) -> tuple[Any, tuple[Path, ...]]:
    """Targets in a form that `rake` takes, only the chosen variables, and the files that they came from."""
    asked = source.study.weighting
    assert asked is not None
    if isinstance(asked.targets, dict):
        return _chosen(source, asked.targets, list(asked.targets)), ()
    path = source.inside(asked.targets, ("weighting", "targets"))
    if path.suffix.lower() in (".yml", ".yaml"):
        read_in: Any = read_yaml(path).plain()
        if not isinstance(read_in, dict):
            raise ConfigError(f"{path.name}: targets are a mapping, variable -> category -> share.")
        return _chosen(source, read_in, list(read_in)), (path,)
    if asked.variables is None:
        return path, (path,)
    margins = read_targets(path, survey.codes.columns)
    written = {m.name: {wish.shown: wish.value for wish in m.wishes} for m in margins}
    return _chosen(source, written, list(written)), (path,)


def _chosen(source: StudyFile, targets: Mapping[str, Any], names: list[str]) -> dict[str, Any]:
    asked = source.study.weighting
    wanted = names if asked is None or asked.variables is None else asked.variables
    for position, name in enumerate(wanted):
        if name not in targets:
            text = f"The targets hold no variable {name!r}.{did_you_mean(name, names)}"
            raise source.error(("weighting", "variables", position), text)
    return {name: targets[name] for name in names if name in wanted}
