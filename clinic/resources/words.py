"""Words that files use for the clinic's choices, beside their values and the site's own names for them."""

from backoffice.exchange.cells import also_read
from clinic.models import Patient, Period, Weekday

FEMALE, MALE, OTHER = Patient.Sex.FEMALE, Patient.Sex.MALE, Patient.Sex.OTHER

also_read(
    Patient.Sex,
    {"女": FEMALE, "女性": FEMALE, "f": FEMALE, "男": MALE, "男性": MALE, "m": MALE, "其他": OTHER},
)
also_read(
    Period,
    {
        **dict.fromkeys(["早上", "上午", "早", "早診", "上午診", "am"], Period.MORNING),
        **dict.fromkeys(["下午", "午", "午診", "下午診", "pm"], Period.AFTERNOON),
        **dict.fromkeys(["晚上", "晚", "夜間", "晚診", "夜診"], Period.EVENING),
    },
)
# Monday first, as the days of the week are numbered.
SIGNS, SHORT = "一二三四五六日", ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
also_read(
    Weekday,
    {
        word: day
        for day, sign, short in zip(Weekday.values, SIGNS, SHORT, strict=True)
        for word in (f"週{sign}", f"周{sign}", f"禮拜{sign}", f"星期{sign}", short)
    },
)
