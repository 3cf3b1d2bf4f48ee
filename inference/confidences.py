"""How a confidence is written, wherever one is: pages, lists, files, terminals.

It is rounded down, to as many decimals as the threshold has, two at least. So what is written is below the threshold
exactly where the number itself is, and nothing is called 1.00 that is not quite certain.
"""

from decimal import ROUND_DOWN, Decimal

from django.conf import settings
from django.utils.translation import gettext as _

FEWEST_DECIMALS, MOST_DECIMALS = 2, 17  # no float has more that say anything


def confidence_told(confidence: float, threshold: float | None = None) -> str:
    """`confidence` (0 to 1) beside a threshold, without one that which is in force."""
    threshold = settings.CONFIDENCE_THRESHOLD if threshold is None else threshold
    step = Decimal(1).scaleb(-_decimals(threshold))
    return f"{Decimal(repr(float(confidence))).quantize(step, ROUND_DOWN):f}"


def threshold_told(threshold: float) -> str:
    """All its decimals, two at least."""
    return f"{Decimal(repr(float(threshold))):.{_decimals(threshold)}f}"


def _decimals(number: float) -> int:
    exponent = Decimal(repr(float(number))).normalize().as_tuple().exponent
    return min(MOST_DECIMALS, max(FEWEST_DECIMALS, -exponent)) if isinstance(exponent, int) else FEWEST_DECIMALS


def own_confidence_told(confidence: float) -> str:
    """How sure a reader said they were."""
    words = {0.4: _("a guess"), 0.6: _("rather unsure"), 0.8: _("fairly sure"), 0.95: _("sure")}
    return words[min(words, key=lambda known: abs(known - confidence))]
