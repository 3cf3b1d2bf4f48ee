"""As in English where a person types: never a day for a month. How days are shown stays Django's own."""

DATE_INPUT_FORMATS = ["%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d"]
