"""Charts of results. `chart` is the door; drawing libraries load when something is drawn."""

from survey_kit.charts.build import chart

__all__ = ["chart"]
