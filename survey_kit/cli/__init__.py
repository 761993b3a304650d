"""The command `survey-kit`: build a report, check a study file, weight a file, write its codebook."""

from __future__ import annotations


def main() -> None:
    """Run the command line. Exit codes: 0 done, 1 a bug (with a traceback), 2 something the caller can put right,
    3 weights that cannot meet their targets."""
    from survey_kit.cli.app import app

    app(prog_name="survey-kit")
