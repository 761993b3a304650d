"""survey_kit: weight, estimate, explain and report public-opinion surveys, with honest standard errors.

    import survey_kit as sk
    poll = sk.read("poll.sav").with_design(weight="w", strata="region")
    sk.proportion(poll, "vote", by="region").frame()

Names are loaded on first use (PEP 562), so importing the package is quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_DOORS = {
    "survey_kit.survey": ("Survey", "from_frame", "read"),
    "survey_kit.codebook": ("Codebook", "MissingRule", "MultipleResponse", "Variable"),
    "survey_kit.recode": ("bands", "collapse", "cross", "mapping", "multiple_response", "net", "reverse"),
    "survey_kit.design.design": ("Design",),
    "survey_kit.design.pps": ("PPS",),
    "survey_kit.weighting": (
        "TargetTable",
        "adjust_nonresponse",
        "anesrake",
        "base_weights",
        "calibrate",
        "cbps",
        "choose_margins",
        "collapse_targets",
        "design_effect",
        "dual_frame",
        "match",
        "normalize",
        "poststratify",
        "propensity",
        "rake",
        "redistribute_unknown",
        "targets_from",
        "trim",
        "trim_mse",
    ),
    "survey_kit.estimation": (
        "cdf",
        "correlation",
        "count",
        "covariance",
        "gini",
        "mean",
        "median",
        "proportion",
        "quantile",
        "ratio",
        "sd",
        "share",
        "statistic",
        "total",
        "variance",
    ),
    "survey_kit.models": ("doubly_robust", "glm", "margins", "scale"),
    "survey_kit.tables": ("table",),
    "survey_kit.charts": ("chart",),
    "survey_kit.reports": ("build",),
    "survey_kit.io.overlay": ("load_codebook",),
    "survey_kit.errors": ("ReadError", "SurveyKitError", "SurveyWarning"),
}
_HOME = {name: module for module, names in _DOORS.items() for name in names}
_MODULES = ("datasets", "errors", "weighting")

__all__ = sorted({*_HOME, *_MODULES, "__version__"})


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"survey_kit.{name}")
    if name not in _HOME:
        raise AttributeError(f"module 'survey_kit' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return __all__
