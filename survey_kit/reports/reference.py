"""The reference of study files, written from the model itself: docs/study-file.md and the JSON schema."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from survey_kit.reports.study import Study
from survey_kit.reports.study_fields import parts_of, type_text

_HEAD = """# The study file

`study.yml` says what the data are, how they were sampled and weighted, and what the report shows. It is YAML 1.2: keys
are text, `no` is the word "no". Unknown keys are refused. Anchors, aliases, merge keys and tags are not available.
Paths are relative to the study file; data outside the project are given with `--data PATH`.

In the texts marked *text with numbers*, `{{ ... }}` is replaced by a number that is computed from the weighted data:

| write | gives |
|---|---|
| `{{ prop('oppose', 'Yes') }}` | the share of an answer; also `where='age >= 18'`, `missing='show'`, `digits=1` |
| `{{ ci('oppose', 'Yes') }}` | its 95% confidence interval |
| `{{ mean('cost_index') }}` | a mean |
| `{{ n() }}` | the number of respondents; also `n(where='age >= 18')` |
| `{{ diff('oppose', 'Yes', 'settlement', 'Rural', 'Urban') }}` | a difference of groups; refused unless significant |
| `{{ odds('cost_index') }}` | an odds ratio of the model |
| `{{ ame('cost_index') }}` | an average marginal effect of the model, in points |
| `{{ moe() }}`, `{{ deff() }}`, `{{ n_eff() }}` | margin of error, design effect of weighting, effective sample size |

Every title that is left out is written from the numbers, and claims a difference only where it is significant.
`survey-kit check study.yml` checks a file; `survey-kit schema` prints a JSON schema for editors.
"""


def reference() -> str:
    """The text of docs/study-file.md."""
    sections = [_HEAD]
    for title, model in _walk():
        sections.append(f"\n## {title}\n\n{_clean(model.__doc__)}\n\n{_table(model)}")
    return "\n".join(sections).rstrip() + "\n"


def json_schema() -> dict[str, Any]:
    """The JSON schema of study files."""
    return Study.model_json_schema()


def _walk() -> Iterator[tuple[str, type[BaseModel]]]:
    """Every part with the key that it stands under, top level first."""
    yield "The whole file", Study
    for name, info in Study.model_fields.items():
        for part in parts_of(info.annotation):
            verb = f": {next(iter(part.model_fields))}" if name == "recode" else ""
            yield f"`{name}`{verb}", part
            for inner_name, inner in part.model_fields.items():
                for nested in parts_of(inner.annotation):
                    yield f"`{name}.{inner_name}`", nested


def _table(model: type[BaseModel]) -> str:
    rows = [
        f"| `{name}` | {_kind(info)} | {_default(info)} | {_clean(info.description)} |"
        for name, info in model.model_fields.items()
    ]
    return "\n".join(["| key | kind | default | meaning |", "|---|---|---|---|", *rows])


def _kind(info: FieldInfo) -> str:
    checks = [getattr(m, "func", None) for m in info.metadata]
    if any(getattr(c, "__name__", "") == "check_text" for c in checks):
        return "text with numbers"
    return type_text(info.annotation).replace("|", "\\|")


def _default(info: FieldInfo) -> str:
    if info.is_required():
        return "required"
    value = info.get_default(call_default_factory=True)
    if value is None or value in ("", (), {}) or isinstance(value, BaseModel):
        return ""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`".replace("|", "\\|")


def _clean(text: str | None) -> str:
    return " ".join((text or "").split()).replace("|", "\\|")
