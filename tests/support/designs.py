"""A frame of 24 rows with a column for everything that a design may name."""

from __future__ import annotations

import numpy as np
import pandas as pd

N = 24
ROWS = np.arange(N)
FRAME = pd.DataFrame(
    {
        "y": (ROWS * 7) % 11 + 1.0,
        "answer": np.where(ROWS % 3, "yes", "no"),
        "region": np.where(ROWS < 12, "north", "south"),
        "area": ROWS // 4,
        "home": ROWS // 2,
        "p": 0.1 + (ROWS % 5) / 8,
        "area_p": 0.2 + (ROWS // 4) / 10,
        "N": 90,
        "w": 2.0 + ROWS // 4 / 10,
        "small": 0.5,
        "asked": (ROWS % 4 < 2).astype(int),
        "never": 0,
        "code": ROWS % 3,
        "seen": ROWS % 8 // 4,
        "text": "x",
    }
)
