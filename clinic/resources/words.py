"""Words that files use for the clinic's choices, beside their values and the site's own names for them."""

from backoffice.exchange.cells import also_read
from backoffice.exchange.column_names import also_called
from clinic.models import Patient, Period, Weekday

FEMALE, MALE, OTHER = Patient.Sex.FEMALE, Patient.Sex.MALE, Patient.Sex.OTHER

also_read(
    Patient.Sex,
    {
        **dict.fromkeys(["女", "女性", "女生", "女士", "小姐", "f"], FEMALE),
        **dict.fromkeys(["男", "男性", "男生", "先生", "m"], MALE),
        **dict.fromkeys(["其他", "其它"], OTHER),
    },
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
SIGNS, SHORT = ("一", "二", "三", "四", "五", "六", "日天"), ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
also_read(
    Weekday,
    {
        word: day
        for day, signs, short in zip(Weekday.values, SIGNS, SHORT, strict=True)
        for word in (short, *(f"{before}{sign}" for before in ("週", "周", "禮拜", "星期", "") for sign in signs))
    },
)

# What tables of other programs call their columns, beside the names and the titles that these have here.
FULL_NAME = ("姓名", "名字", "name")
BORN = ("生日", "出生日期", "出生年月日", "birthday", "dob")
NUMBER_ON_CARD = (
    "身分證字號",
    "身份證字號",
    "身分證",
    "身份證",
    "身分證號",
    "證號",
    "居留證號碼",
    "居留證",
    "護照號碼",
)
PATIENT = ("病人", "患者", "病患")
also_called(
    {
        "full_name": [*FULL_NAME, *(f"{who}姓名" for who in PATIENT)],
        "date_of_birth": BORN,
        "national_id": NUMBER_ON_CARD,
        "sex": ["性別", "gender"],
        "phone": ["電話", "手機", "行動電話", "手機號碼", "電話號碼", "聯絡電話", "mobile"],
        "email": ["電子郵件", "電子信箱", "信箱", "e-mail"],
        "notes": ["備註", "備考", "note"],
        "patient_full_name": [*FULL_NAME, *PATIENT, *(f"{who}姓名" for who in PATIENT)],
        "patient_date_of_birth": [*BORN, *(f"{who}生日" for who in PATIENT)],
        "patient_national_id": [*NUMBER_ON_CARD, *(f"{who}身分證字號" for who in PATIENT)],
        "date": ["日期", "看診日期", "看診日", "掛號日期", "就診日期"],
        "period": ["時段", "診別"],
        "queue_number": ["看診號碼", "號碼", "號次", "診號", "掛號號碼"],
        "status": ["狀態", "看診狀態"],
        "symptoms": ["症狀"],
        "weekday": ["星期", "週"],
        "hours": ["時間", "看診時間", "門診時間"],
        "capacity": ["名額", "人數上限"],
        "text": ["題目", "問題"],
        "unit": ["單位"],
        "taken_on": ["拍攝日期", "攝影日期"],
        "view": ["攝影方向"],
    }
)
