"""Data sets that come with the package. All of them are synthetic."""

from survey_kit.datasets.kazakhstan import kazakhstan, margins, write_kazakhstan

__all__ = ["kazakhstan", "margins", "write_kazakhstan"]
