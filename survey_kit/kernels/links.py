"""Second derivatives of inverse links, d2 mu / d eta2: what marginal effects need. Shapes (n,) -> (n,)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from survey_kit.kernels.groups import FloatArray


def _logit(eta: FloatArray) -> FloatArray:
    mu = 1 / (1 + np.exp(-eta))
    return mu * (1 - mu) * (1 - 2 * mu)


def _probit(eta: FloatArray) -> FloatArray:
    return -eta * np.exp(-(eta**2) / 2) / np.sqrt(2 * np.pi)


def _cloglog(eta: FloatArray) -> FloatArray:
    return np.exp(eta - np.exp(eta)) * (1 - np.exp(eta))


SECOND_DERIVATIVE: dict[str, Callable[[FloatArray], FloatArray]] = {
    "identity": np.zeros_like,
    "logit": _logit,
    "probit": _probit,
    "cloglog": _cloglog,
    "log": np.exp,
    "inverse": lambda eta: 2 / eta**3,
}
