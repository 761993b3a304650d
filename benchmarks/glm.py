"""A logit on 10 covariates, against statsmodels (which has no design) and R svyglm: `python -m benchmarks glm`."""

from __future__ import annotations

import numpy as np
import pandas as pd
import statsmodels.api as sm

import survey_kit as sk
from benchmarks.timing import best_of, line, r_seconds

COVARIATES = [f"x{k}" for k in range(10)]
FORMULA = "y ~ " + " + ".join(COVARIATES)


def sample(rows: int, seed: int = 20221201) -> pd.DataFrame:
    """A stratified cluster sample with a binary outcome and ten covariates."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(rows, len(COVARIATES)))
    chance = 1 / (1 + np.exp(0.5 - x @ random.normal(scale=0.3, size=len(COVARIATES))))
    frame = pd.DataFrame(x, columns=COVARIATES)
    return frame.assign(
        y=(random.uniform(size=rows) < chance).astype(float),
        w=random.uniform(0.5, 4, rows),
        stratum=random.integers(0, 50, rows),
        psu=random.integers(0, 40, rows),
    )


def main() -> None:
    """Print a line for each size and peer."""
    for rows in (1_000, 10_000, 100_000):
        frame = sample(rows)
        poll = sk.from_frame(frame).with_design(weight="w", strata="stratum", psu="psu", lonely_psu="adjust")
        fit = best_of(5, lambda p=poll: sk.glm(p, FORMULA, family="binomial").coef.se)
        x, y, w = sm.add_constant(frame[COVARIATES].to_numpy()), frame["y"].to_numpy(), frame["w"].to_numpy()
        peer = best_of(5, lambda x=x, y=y, w=w: sm.GLM(y, x, family=sm.families.Binomial(), freq_weights=w).fit().bse)
        setup = (
            "options(survey.lonely.psu='adjust');"
            "d <- svydesign(id=~psu, strata=~stratum, weights=~w, data=data, nest=TRUE)"
        )
        r = r_seconds(frame, setup, f"summary(svyglm({FORMULA}, d, family=quasibinomial()))", times=2)
        print(line(f"{rows:>9,} rows x {len(COVARIATES)}: logit with standard errors", fit, r, "R svyglm"))
        print(line(f"{rows:>9,} rows x {len(COVARIATES)}: the same, no design", fit, peer, "statsmodels"))
        model = sk.glm(poll, FORMULA, family="binomial")
        effects = best_of(3, lambda m=model: sk.margins(m).se)
        print(line(f"{rows:>9,} rows x {len(COVARIATES)}: ten marginal effects", effects, None))


if __name__ == "__main__":
    main()
