"""What survey_kit answers to an entry of the shared reference, beside what R does.

`answers(entry)` gives (what, ours, R's) for every field of R's result, "rows: p_se" being part of the field "rows". One
function for each estimator of R that occurs, found in `ANSWERS`; what is not asked stands in `LEFT_OUT` and `PASSED_OVER`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from support.r_answers import contrasts, designs, models, quantiles, shares, tables
from support.r_answers.common import Pairs

ANSWERS: dict[str, Callable[[dict], Pairs]] = {
    "svymean": tables.means,
    "svytotal": tables.means,
    "svymean(twophase)": tables.two_phases,
    "svyby(svymean)": tables.by_groups,
    "svyby(svytotal)": tables.by_groups,
    "svyby(svyratio)": tables.by_groups,
    "svyby(svyvar)": tables.by_groups,
    "svyby(svyquantile)": tables.by_groups,
    "net score by group": tables.by_groups,
    "svybys": tables.several_by,
    "svyratio": tables.ratios,
    "predict.svyratio": tables.predicted_total,
    "svytable": tables.counts,
    "prop.table(svytable)": tables.proportions_of_table,
    "svyby(unwtd.count)": tables.unweighted_counts,
    "svyquantile": quantiles.quantiles,
    "oldsvyquantile": quantiles.old_quantiles,
    "svyvar": quantiles.variances,
    "correlation via svyvar": quantiles.correlation_matrix,
    "svycontrast(svyvar)": quantiles.correlation,
    "sqrt(svyvar)": quantiles.standard_deviation,
    "svycdf": quantiles.cumulative,
    "svyhist": quantiles.histogram,
    "svyciprop": shares.proportions,
    "svyby(svyciprop)": shares.proportions_by,
    "top-2-box": shares.top_box,
    "srvyr::survey_mean": shares.survey_mean,
    "srvyr::survey_prop": shares.survey_prop,
    "srvyr::cascade": shares.cascade,
    "srvyr::survey_median": shares.survey_quantile,
    "srvyr::survey_var/sd/ratio": shares.survey_var,
    "svycontrast": contrasts.contrasts,
    "svyglm": models.models,
    "degf": designs.degrees_of_freedom,
    "svrVar": designs.replicate_variance,
    "withReplicates": designs.statistics,
    "as.svrepdesign": designs.conversion,
    "calculate_deff": designs.pew,
    "generaldesigneffect": designs.effect_of_weights,
    "deffK": designs.effect_of_weights,
    "deffH": designs.effect_of_weights,
    "deffS": designs.effect_of_weights,
    "kish by group": designs.effect_by_group,
}

LEFT_OUT = {
    "smooth_locpoly": "advisory: a kernel density by a binned local polynomial of KernSmooth; there is no such verb here",
    "wtd_tables": "advisory: tests of the package weights that take no notice of the design; there is no naive mode here",
}

_GROUPS = {"names": "made of the groups, which are compared", "row_names": "made of the groups, which are compared"}
_ORDER = {"order": "says how R stores the numbers"}
_COLUMNS = {"columns": "names that srvyr was given for its columns"}
_OWN_NAMES = {"names": "an expression has a name of its own here"}
_NAMELESS = {"names": "R's contrasts without a name are called 'contrast' or nothing, ours by their expression"}

# Fields of results that are not asked for, by estimator or by entry, beside those that the reference itself marks.
PASSED_OVER: dict[str, dict[str, str]] = {
    **dict.fromkeys((e for e in ANSWERS if e.startswith("svyby(")), _GROUPS),
    **dict.fromkeys((e for e in ANSWERS if e.startswith("srvyr::")), _COLUMNS),
    "net score by group": _GROUPS,
    "svyby(svyquantile)": {
        **_GROUPS,
        **dict.fromkeys(("ci95_t", "ci95_normal"), "R's confint() is q -+ t se here; ours is the Woodruff interval"),
    },
    "svyby(unwtd.count)": {},
    "svytable": _ORDER,
    "prop.table(svytable)": _ORDER,
    "oldsvyquantile": dict.fromkeys(("ci", "se"), "the intervals of survey before 4.1 are history"),
    "calculate_deff": dict.fromkeys(
        ("mean_wt", "sd_wt"), "the mean and the deviation of weights are no design effects"
    ),
    "withReplicates": _OWN_NAMES,
    "svycontrast(svyvar)": _NAMELESS,
    "mean_interaction_api_strat": _OWN_NAMES,
    "mean_expr_api_clus1": _OWN_NAMES,
    **dict.fromkeys(("var_api_strat_jkn", "var_api_clus1_boot", "varcov_api_clus1", "varcov_jkn"), _ORDER),
    **dict.fromkeys(("contrast_nonlin", "contrast_by_ratio", "contrast_positional", "contrast_twoparty"), _NAMELESS),
    **dict.fromkeys(("contrast_rep", "contrast_rep_delta", "contrast_glm", "contrast_oddsratio"), _NAMELESS),
    "glm_zero_o": {"n_used": "R counts rows of weight zero, ours are those that count"},
    "glm_rescale_false": dict.fromkeys(
        ("deviance", "null_deviance", "dispersion"), "R leaves weights as they are here; ours are always under mean 1"
    ),
}


def answers(entry: dict) -> list[tuple[str, Any, Any]]:
    """(what, ours, R's) for the fields of an entry's result."""
    return list(ANSWERS[entry["estimator"]](entry))


def passed_over(entry: dict) -> set[str]:
    """Fields of an entry's result that are not asked for."""
    marked = entry.get("advisory_fields") or {}
    return {*PASSED_OVER.get(entry["estimator"], {}), *PASSED_OVER.get(entry["id"], {}), *marked}


def fields_of(entry: dict) -> set[str]:
    """The fields of an entry's result, of all tables where R gave several."""
    tables = entry["result"] if isinstance(entry["result"], list) else [entry["result"]]
    return {field for table in tables for field in table}
