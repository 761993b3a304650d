"""Files of a report: pages, charts, tables, manifest. The folder appears whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from survey_kit.errors import OutputError
from survey_kit.io import atomic_folder, atomic_path
from survey_kit.reports.content import Document, Figure, TableItem
from survey_kit.reports.manifest import listing, made_here, manifest_text, sha256
from survey_kit.reports.study import Study
from survey_kit.reports.study_content import Outputs
from survey_kit.schema import Notice
from survey_kit.survey import Survey
from survey_kit.tables.delimited import frame_text


def check_writable(out: Path, study: str) -> Path:
    """The folder that the report will have, after making sure that it can be written. Makes `out` when it is absent.

    Raises:
        OutputError: `out` cannot be made or is read-only, or what stands there is not an earlier report of this study.
    """
    folder = out / study
    make_folder(out)
    if not os.access(out, os.W_OK | os.X_OK):
        raise OutputError(
            f"The folder {str(out)!r} is read-only; no report can be written there. Choose another --out."
        )
    if folder.is_symlink():
        raise OutputError(f"{folder} is a symbolic link and is not followed. Remove it, or choose another --out.")
    taken = folder.exists() and (not folder.is_dir() or any(folder.iterdir()))
    if taken and not made_here(folder, study):
        raise OutputError(
            f"{folder} exists and is not an earlier report of this study (no manifest.json says so); it is left "
            "as it is. Move it away, or choose another --out."
        )
    return folder


def microdata_path(study: Study) -> Path | None:
    """Where the weighted microdata go; None when the study wants none. Makes the folder when it is absent."""
    if study.outputs.microdata is False:
        return None
    path = Path(study.outputs.microdata.replace("{id}", study.study.id))
    make_folder(path.parent)
    return path


def make_folder(folder: Path) -> None:
    """Make a folder and those above it. Raises OutputError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"The folder {str(folder)!r} cannot be made: {error.strerror or error}.") from error


@contextmanager
def targets(folder: Path, microdata: Path | None) -> Iterator[tuple[Path, Path | None]]:
    """Temporary paths of report folder and microdata file; both are put in place when the block ends well."""
    if microdata is None:
        with atomic_folder(folder) as temporary:
            yield temporary, None
    else:
        with atomic_path(microdata) as file, atomic_folder(folder) as temporary:
            yield temporary, file


def save_microdata(survey: Survey, file: Path, name: str) -> tuple[Notice, ...]:
    """The weighted microdata at a temporary path; errors speak of the final name. Returns what the format cannot hold.

    Raises:
        OutputError: something that the format cannot hold at all, such as five missing codes in a .sav file.
    """
    try:
        return tuple(survey.save(file))
    except OutputError as error:
        raise OutputError(
            f"{str(error).replace(file.name, name)} The study file names it in outputs.microdata."
        ) from error


def write_report(folder: Path, document: Document, outputs: Outputs) -> None:
    """Pages, charts and tables of a document into an empty folder."""
    write_charts(folder, document, outputs)
    if outputs.csv:
        write_tables(folder, document)
    if outputs.html:
        from survey_kit.reports.html import render_html

        beside = outputs.csv and outputs.svg and outputs.png
        (folder / "report.html").write_bytes(render_html(document, assets=beside).encode("utf-8"))
    if outputs.pdf:
        from survey_kit.reports.pdf import render_pdf

        (folder / "report.pdf").write_bytes(render_pdf(document))


def write_charts(folder: Path, document: Document, outputs: Outputs) -> None:
    """Every chart as SVG and PNG into `charts/`."""
    figures = [item for item in document.items if isinstance(item, Figure)]
    if not figures or not (outputs.svg or outputs.png):
        return
    (folder / "charts").mkdir()
    for figure in figures:
        if outputs.svg:
            (folder / "charts" / f"{figure.name}.svg").write_bytes(figure.chart.svg().encode("utf-8"))
        if outputs.png:
            (folder / "charts" / f"{figure.name}.png").write_bytes(figure.chart.png())


def write_tables(folder: Path, document: Document) -> None:
    """Every table, and the data of every chart, as CSV into `tables/`."""
    texts = {item.name: item.table.to_csv() for item in document.items if isinstance(item, TableItem)}
    texts |= {item.name: frame_text(item.chart.data) for item in document.items if isinstance(item, Figure)}
    if texts:
        (folder / "tables").mkdir()
    for name, text in texts.items():
        (folder / "tables" / f"{name}.csv").write_bytes(text.encode("utf-8"))


def write_manifest(
    folder: Path,
    study: Study,
    inputs: Sequence[Mapping[str, Any]],
    microdata: Path | None,
    facts: Mapping[str, Any],
) -> None:
    """`manifest.json`, last: it lists every other file. `microdata`: the temporary file, listed by its final name."""
    extra = dict(facts)
    if microdata is not None and study.outputs.microdata is not False:
        name = study.outputs.microdata.replace("{id}", study.study.id)
        extra["microdata"] = {"name": name, "sha256": sha256(microdata)}
    text = manifest_text(study.study.id, inputs, listing(folder), extra)
    (folder / "manifest.json").write_bytes(text.encode("utf-8"))
