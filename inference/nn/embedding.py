"""How a film looks, in few numbers, so that films of other weeks can be compared with it: what the gate has measured
anyway, averaged, and how bright the picture is. NumPy; no Django.

Not for diagnosing, and no picture can be made of it again: forty numbers say that films have become darker, are framed
otherwise, or are negatives.
"""

import numpy as np

from inference.nn.gate import BOUNDED, CELLS, GRID, IN_THE_BOX, WAYS

PERCENTILES = (5, 25, 50, 75, 95)
COARSE = 4  # cells of the box's greys, across and down
LENGTH = 2 + len(PERCENTILES) + BOUNDED + IN_THE_BOX + COARSE**2 + WAYS


def embedding(picture: np.ndarray, measures: np.ndarray) -> np.ndarray:
    """float16, LENGTH numbers, of uint8 H×W and what gate.py measured of it. Another rule is another
    `Embedding.MADE_BY`."""
    sample = picture[:: max(1, picture.shape[0] // 256), :: max(1, picture.shape[1] // 256)]
    tone = [sample.mean(), sample.std(), *np.percentile(sample, PERCENTILES)]
    first, greys, edges = np.split(measures, [BOUNDED + IN_THE_BOX, BOUNDED + IN_THE_BOX + GRID**2])
    step = GRID // COARSE
    coarse = greys.reshape(COARSE, step, COARSE, step).mean((1, 3))
    ways = edges.reshape(CELLS**2, WAYS).mean(0)
    return np.concatenate([np.array(tone) / 255, first, coarse.ravel(), ways]).astype("<f2")
