"""Dates as a Taiwanese clinic writes them; days with a year are Django's own. `D` is 一 … 日, by our catalogue."""

TIME_FORMAT = "H:i"
DATETIME_FORMAT = "Y年n月j日 H:i"
SHORT_DATE_FORMAT = "Y-m-d"
SHORT_DATETIME_FORMAT = "Y-m-d H:i"

LONG_DAY_FORMAT = SHORT_DAY_FORMAT = "n月j日（D）"
DAY_MONTH_FORMAT = "n月j日"
WEEKDAY_FORMAT = "週D"

# As in English where a person types: never a day for a month.
DATE_INPUT_FORMATS = ["%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d"]
