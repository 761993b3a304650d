"""XLSForm questionnaires (ODK, KoboToolbox, SurveyCTO; https://xlsform.org) as codebooks.

A question becomes a variable. `select_one` gives labels; `select_multiple` gives a dichotomy set over the columns
"question/option", `rank` one column "question/option" for each rank; `lay_over` finds or makes them in the data. What
the form says beyond that stays in `Variable.attributes`: "type", "group" (its path), "repeat", "hint", "constraint" ...
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from survey_kit.codebook import Codebook, Measure, MultipleResponse, Variable
from survey_kit.errors import WrongFormatError, did_you_mean, listed
from survey_kit.io.codebooks.yaml_form import Problems
from survey_kit.io.xlsform.sheets import Table, read_sheets, table
from survey_kit.io.xlsform.texts import Choices, languages_of, read_choices, text_of

RANK_OPTION = "rank option"  # attribute "type" of the columns that hold ranks
OPTION = "select_multiple option"
_SELECT = re.compile(
    r"(?:add )?(?P<kind>select[_ ](?:one|multiple)(?P<outside>[_ ]external|[_ ]from[_ ]file)?"
    r"|select[_ ]all[_ ]that[_ ]apply|select1|select|rank)(?: from| prompt using)?"
    r"\s+(?P<list>\S.*?)(?P<other>\s+or[_ ]other|\s+or specify other)?",
    re.IGNORECASE,
)
_BEGIN = re.compile(r"begin[_ ](\w+)", re.IGNORECASE)
_END = re.compile(r"end[_ ](\w+)", re.IGNORECASE)
_SCALE = ("integer", "int", "decimal", "range")
_TEXT = ("text", "string", "note", "barcode")
_ALIASES = {"caption": "label", "relevance": "relevant", "calculate": "calculation", "command": "type", "tag": "name"}
_TRANSLATED = ("hint", "guidance_hint")
_KEPT = ("constraint", "required", "appearance", "calculation", "default", "parameters", "choice_filter")
_LISTS = {"score": "kobo--score-choices", "rank": "kobo--rank-items"}  # groups whose rows share a list of choices


@dataclass(slots=True)
class _Form:
    """What is known while the rows are read."""

    problems: Problems
    languages: tuple[str, ...]
    default: str
    choices: Mapping[str, Choices]
    variables: list[tuple[int, Variable, Choices | None]] = field(default_factory=list)
    path: list[tuple[str, str, str]] = field(default_factory=list)  # kind, name, list of choices of the open groups
    skipped: dict[str, None] = field(default_factory=dict)

    def text(self, row: dict[str, str], name: str) -> str:
        return text_of(row, name, self.languages, self.default)


def read_xlsform(path: Path) -> Codebook:
    """The codebook of an XLSForm workbook. Labels in several languages are joined by " | " in column order.

    Raises:
        DamagedFileError, ResourceLimitError: no sound workbook, or one that takes too much memory.
        WrongFormatError: no sheet "survey" with the columns type and name.
        FileFormatError: lists that do not exist, groups that do not end, names and choices that occur twice; with rows.
    """
    sheets = read_sheets(path, ("survey", "choices", "settings"))
    survey, choices, settings = (_renamed(table(path, n, sheets.get(n, []))) for n in ("survey", "choices", "settings"))
    if not {"type", "name"} <= set(survey.header):
        raise WrongFormatError(
            f"{path.name} is no XLSForm: it needs a sheet 'survey' with the columns 'type' and 'name'. "
            f"It has the sheets {listed(sheets) or 'of other names'}."
        )
    setting = settings.rows[0][1] if settings.rows else {}
    default = setting.get("default_language", "default")
    languages = languages_of((survey, choices), default)
    problems, notes = Problems(path, "row"), _language_notes(languages)
    repeats = setting.get("allow_choice_duplicates", "").casefold() in ("yes", "true")
    form = _Form(problems, languages, default, read_choices(choices, languages, default, repeats, problems, notes))
    _walk(form, survey)
    problems.raise_any()
    if form.skipped:
        notes.append(
            f"Matrix questions were left out, since their columns have names of their own: {listed(form.skipped)}."
        )
    variables, sets = _members(_unique(form))
    problems.raise_any()
    stated: dict[str, str] = {key: setting[key] for key in ("form_id", "version") if key in setting}
    return Codebook(variables, sets, setting.get("form_title", ""), tuple(notes), attributes=stated)


def _renamed(sheet: Table) -> Table:
    def name(header: str) -> str:
        field_name, colons, language = header.partition("::")
        return _ALIASES.get(field_name, field_name) + colons + language

    rows = tuple((number, {name(h): text for h, text in row.items()}) for number, row in sheet.rows)
    return Table(tuple(map(name, sheet.header)), rows)


def _language_notes(languages: tuple[str, ...]) -> list[str]:
    if len(languages) < 2:
        return []
    return [f"Languages of the labels, in this order: {' | '.join(languages)}."]


def _walk(form: _Form, survey: Table) -> None:
    number = 1
    for number, row in survey.rows:
        kind = " ".join(row.get("type", "").split())
        if not kind or row.get("disabled", "").casefold() in ("yes", "true"):
            continue
        begin, end = _BEGIN.fullmatch(kind), _END.fullmatch(kind)
        if begin:
            what = begin[1].casefold()
            form.path.append((what, row.get("name", ""), row.get(_LISTS.get(what, ""), "")))
        elif end:
            _close(form, end[1].casefold(), number)
        elif any(what == "kobomatrix" for what, _, _ in form.path):
            form.skipped[form.path[-1][1]] = None
        else:
            _question(form, kind, row, number)
    if form.path:
        what, name, _ = form.path[-1]
        form.problems.add(number, "sheet 'survey'", f"The {what} {name!r} is not ended. Add a row 'end_{what}'.")


def _close(form: _Form, what: str, number: int) -> None:
    if not form.path or form.path[-1][0] != what:
        opened = f"the {form.path[-1][0]} {form.path[-1][1]!r} is open" if form.path else "nothing is open"
        form.problems.add(number, "sheet 'survey'", f"'end_{what}' has no beginning here: {opened}.")
    elif form.path:
        form.path.pop()


def _question(form: _Form, kind: str, row: dict[str, str], number: int) -> None:
    name = row.get("name", "")
    if not name:
        form.problems.add(number, "sheet 'survey'", f"The question of type {kind!r} has no name. Fill it in.")
        return
    select = _SELECT.fullmatch(kind)
    choices = _choices(form, select, number) if select else None
    if kind.casefold() in ("score__row", "rank__level") and form.path:
        choices = _listed(form, form.path[-1][2], number)
        kind = f"select_one {form.path[-1][2]}"
    variable = _variable(form, kind, row, name)
    several = select is not None and _several(select)
    if choices is not None and not several:
        variable = replace(variable, labels=choices.codes(), measure=_measure(row))
    form.variables.append((number, variable, choices if several else None))
    if select and select["other"]:
        label = f"Specify other: {variable.label}" if variable.label else "Specify other"
        other = replace(variable, name=f"{name}_other", label=label, labels={}, measure="nominal")
        attributes = {**variable.attributes, "type": "text"}
        form.variables.append((number, replace(other, attributes=attributes), None))


def _several(select: re.Match[str]) -> bool:
    return re.match(r"select[_ ](multiple|all)|rank", select["kind"], re.IGNORECASE) is not None


def _choices(form: _Form, select: re.Match[str], number: int) -> Choices | None:
    """The choices of a question; none where they stand in another file or come from answers."""
    if select["outside"] or select["list"].startswith("${"):
        return Choices() if _several(select) else None
    found = _listed(form, select["list"], number)
    return found.with_other() if select["other"] else found


def _listed(form: _Form, name: str, number: int) -> Choices:
    if name not in form.choices:
        text = f"There is no list {name!r} in the sheet 'choices'.{did_you_mean(name, form.choices)}"
        form.problems.add(number, "sheet 'survey'", text)
    return form.choices.get(name, Choices())


def _measure(row: dict[str, str]) -> Measure:
    return "ordinal" if "likert" in row.get("appearance", "") else "nominal"


def _variable(form: _Form, kind: str, row: dict[str, str], name: str) -> Variable:
    label = form.text(row, "label")
    groups = "/".join(group for _, group, _ in form.path if group)
    repeats = [group for what, group, _ in form.path if what == "repeat"]
    said = {"type": kind, "group": groups, "repeat": repeats[-1] if repeats else ""}
    said |= {key: form.text(row, key) for key in _TRANSLATED} | {key: row.get(key, "") for key in _KEPT}
    word = kind.casefold()
    return Variable(
        name,
        label,
        question=label,
        measure="scale" if word in _SCALE else "nominal" if word in _TEXT or word.startswith("select") else "unknown",
        filter=" ".join(row.get("relevant", "").split()),
        attributes={key: text for key, text in said.items() if text},
    )


def _unique(form: _Form) -> list[tuple[Variable, Choices | None]]:
    """The variables; a name that several groups use is taken with its path."""
    often = {name for name, n in Counter(v.name for _, v, _ in form.variables).items() if n > 1}
    rows: dict[str, int] = {}
    found = []
    for number, variable, choices in form.variables:
        group = variable.attributes.get("group")
        name = f"{group}/{variable.name}" if variable.name in often and group else variable.name
        if name in rows:
            text = f"The name {name!r} is that of row {rows[name]} already. Rename one of them."
            form.problems.add(number, "sheet 'survey'", text)
        rows.setdefault(name, number)
        found.append((replace(variable, name=name), choices))
    return found


def _members(found: list[tuple[Variable, Choices | None]]) -> tuple[dict[str, Variable], dict[str, MultipleResponse]]:
    """Variables and sets, with a variable for each option of a question that takes several."""
    variables: dict[str, Variable] = {}
    sets: dict[str, MultipleResponse] = {}
    for variable, choices in found:
        variables[variable.name] = variable
        if choices is None or not choices.names:
            continue
        ranks = variable.attributes["type"].casefold().startswith("rank")
        kept = {k: t for k, t in variable.attributes.items() if k in ("group", "repeat")}
        for name, label in zip(choices.names, choices.labels, strict=True):
            variables[f"{variable.name}/{name}"] = replace(
                variable,
                name=f"{variable.name}/{name}",
                label=label,
                measure="ordinal" if ranks else "nominal",
                attributes={"type": RANK_OPTION if ranks else OPTION, **kept},
            )
        if not ranks:
            columns = tuple(f"{variable.name}/{name}" for name in choices.names)
            sets[variable.name] = MultipleResponse(variable.name, columns, 1, variable.label, variable.question)
    return variables, sets
