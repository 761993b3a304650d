"""The commands. Each loads what it needs when it runs, so that `survey-kit version` answers at once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from survey_kit.cli.codebook import codebook
from survey_kit.cli.messages import errors_in_a_sentence, say
from survey_kit.cli.weight import weight

if TYPE_CHECKING:
    from survey_kit.reports.run import BuildResult

app = typer.Typer(
    help="Weight, estimate, explain and report public-opinion surveys.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

StudyPath = Annotated[Path, typer.Argument(metavar="STUDY", help="The study file, study.yml.")]
DataPath = Annotated[Path | None, typer.Option("--data", metavar="PATH", help="Data file, in place of the study's.")]
OutPath = Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for the report's folder.")]


@app.command()
def build(study: StudyPath, data: DataPath = None, out: OutPath = Path("reports")) -> None:
    """Build the report of a study: HTML, PDF, charts, tables, weighted microdata, manifest."""
    from survey_kit.cli.display import shown_progress
    from survey_kit.reports.run import build as run

    with errors_in_a_sentence():
        with shown_progress() as progress:
            result = run(study, out, data, progress)
        _tell(result)


@app.command()
def check(study: StudyPath, data: DataPath = None) -> None:
    """Check a study file, and its names against the data when they are there. Writes nothing."""
    from survey_kit.reports.run import check as run

    with errors_in_a_sentence():
        source, prepared = run(study, data)
        if prepared is None:
            say(f"{source.path.name}: valid. The data were not checked: no data file is there (give one with --data).")
        else:
            say(f"{source.path.name}: valid, and the data have everything it names ({len(prepared.survey)} rows).")


@app.command()
def schema() -> None:
    """Print the JSON schema of study files, for editors that complete and check YAML."""
    import json

    from survey_kit.reports.reference import json_schema

    say(json.dumps(json_schema(), indent=2, ensure_ascii=False))


@app.command()
def version() -> None:
    """Print the version."""
    from survey_kit import __version__

    say(f"survey-kit {__version__}")


app.command()(codebook)
app.command()(weight)


def _tell(result: BuildResult) -> None:
    pages = ", ".join(p.name for p in result.files if p.name.startswith("report."))
    say(f"{result.folder}: {len(result.files)} files{f', among them {pages}' if pages else ''}")
    if result.microdata is not None:
        say(f"{result.microdata}: weighted microdata")
    for notice in result.notices:
        say(f"note: {notice.text}")
