"""`build`: from `study.yml` and microdata to a report, in ten steps, each of which is a function of its own."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

from survey_kit.reports.analysis import analyse
from survey_kit.reports.colophon import colophon
from survey_kit.reports.document import compose
from survey_kit.reports.load import StudyFile, load_study
from survey_kit.reports.manifest import facts
from survey_kit.reports.prepare import Prepared, data_path, prepare
from survey_kit.reports.progress import Progress, Silent, begin
from survey_kit.reports.write import (
    check_writable,
    microdata_path,
    save_microdata,
    targets,
    write_manifest,
    write_report,
)
from survey_kit.schema import Notice


@dataclass(frozen=True, slots=True)
class BuildResult(os.PathLike):
    """Where a report was written; usable as the path of its folder.

    Attributes:
        folder: the report's folder. files: every file in it. microdata: the weighted microdata, when they were wanted.
        notices: what was dropped, assumed or flagged on the way.
    """

    folder: Path
    files: tuple[Path, ...]
    microdata: Path | None
    notices: tuple[Notice, ...]

    def __fspath__(self) -> str:
        return str(self.folder)


def build(
    study: str | Path,
    out: str | Path = "reports",
    data: str | Path | None = None,
    progress: Progress | None = None,
) -> BuildResult:
    """Build the report of a study file: HTML, PDF, charts, tables, manifest, and the weighted microdata.

    The same study file and the same data give the same bytes. The report is built beside its place and put there when
    it is complete; an earlier report of the same study is replaced, anything else that stands there is left alone.

    Args:
        study: path of the study file (see docs/study-file.md).
        out: folder in which the report's folder, named by the study's id, is written; made when it is absent.
        data: path of the data file, in place of the one that the study file names.
        progress: is told each step before it begins; see `reports.progress.Progress`.

    Raises:
        ConfigError: mistakes in the study file, with file, line and field.
        InputError, DesignError, TargetError, ConvergenceError: data that cannot be used as the study says.
        OutputError: a place that cannot be written.

    Command line: survey-kit build STUDY [--data PATH] [--out DIR].
    """
    progress = progress or Silent()
    begin(progress, "Read the study file")
    source = load_study(study)
    folder = check_writable(Path(out), source.study.study.id)
    prepared = prepare(source, data, progress)
    analysis = analyse(prepared, progress)
    microdata = microdata_path(source.study)
    with targets(folder, microdata) as (temporary, file):
        kept = () if file is None or microdata is None else save_microdata(prepared.survey, file, microdata.name)
        inputs = facts(prepared.inputs)
        begin(progress, "Draw and tabulate")
        document = compose(analysis, kept)
        document = replace(document, colophon=colophon(prepared, inputs, given=data is not None))
        begin(progress, "Render and write")
        write_report(temporary, document, source.study.outputs)
        write_manifest(temporary, source.study, inputs, file, {"design": prepared.survey.design.describe()})
    return BuildResult(folder, _files(folder), microdata, tuple(dict.fromkeys((*analysis.notices, *kept))))


def check(study: str | Path, data: str | Path | None = None) -> tuple[StudyFile, Prepared | None]:
    """Check a study file, and its names against the data when they are there. Raises as `build`; writes nothing.

    The data are optional: without a data file at hand only the study file is checked and None stands for the data.
    """
    source = load_study(study)
    if data is None and (source.study.data.file is None or not data_path(source, None).is_file()):
        return source, None
    prepared = prepare(source, data, Silent())
    compose(analyse(prepared, Silent()))
    return source, prepared


def _files(folder: Path) -> tuple[Path, ...]:
    return tuple(sorted(p for p in folder.rglob("*") if p.is_file()))
