"""Dates as the clinic writes them: no month is taken for a day, and no evening for a morning."""

DATE_FORMAT = "j M Y"
TIME_FORMAT = "H:i"
DATETIME_FORMAT = "j M Y, H:i"
SHORT_DATE_FORMAT = DATE_FORMAT  # one way to write a day, however little room there is
SHORT_DATETIME_FORMAT = DATETIME_FORMAT

# Our own names, for `date` in templates and `date_format`: days that are near, so without their year.
LONG_DAY_FORMAT = "l j F"
SHORT_DAY_FORMAT = "D j M"
DAY_MONTH_FORMAT = "j M"
WEEKDAY_FORMAT = "D"

# What a form without a rule of its own takes: never a day for a month.
DATE_INPUT_FORMATS = ["%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d"]
