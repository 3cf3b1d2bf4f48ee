"""jazzmin's settings: a quiet admin. Colours and spacing are in static/backoffice/."""

from django.utils.translation import gettext_lazy as _

JAZZMIN_SETTINGS = {
    "site_title": "Collimator",
    "site_header": "Collimator",
    "site_brand": "Collimator",
    "site_logo": "backoffice/mark.svg",
    "site_icon": "backoffice/mark.png",
    "welcome_sign": _("Sign in to the clinic's back office"),
    "copyright": "",
    "use_google_fonts_cdn": False,
    "related_modal_active": False,
    "changeform_format": "single",
    "custom_css": "backoffice/admin.css",
    "navigation_expanded": True,
    "order_with_respect_to": [
        "clinic",
        "clinic.appointment",
        "clinic.clinicsession",
        "clinic.patient",
        "clinic.intakerecord",
        "clinic.openinghours",
        "clinic.closure",
        "clinic.likertquestion",
        "clinic.numericquestion",
        "clinic.symptom",
        "imaging",
        "inference",
        "inference.prediction",
        "inference.report",
        "inference.diagnosticmodel",
        "backoffice",
        "auth",
        "django_q",
    ],
    "hide_models": ["django_q.ormq", "auth.group"],
    "topmenu_links": [],
    "custom_links": {
        "clinic": [
            {
                "name": _("Survey"),
                "url": "clinic_admin:survey",
                "icon": "fas fa-clipboard-list",
                "permissions": ["clinic.change_likertquestion", "clinic.change_numericquestion"],
            }
        ]
    },
    "icons": {
        "clinic.appointment": "fas fa-calendar-check",
        "clinic.clinicsession": "fas fa-users",
        "clinic.patient": "fas fa-user",
        "clinic.intakerecord": "fas fa-table",
        "clinic.openinghours": "fas fa-clock",
        "clinic.closure": "fas fa-door-closed",
        "clinic.symptom": "fas fa-thermometer-half",
        "clinic.likertquestion": "fas fa-list-ol",
        "clinic.numericquestion": "fas fa-hashtag",
        "imaging.xrayimage": "fas fa-x-ray",
        "inference.prediction": "fas fa-user-md",
        "inference.report": "fas fa-file-medical",
        "inference.diagnosticmodel": "fas fa-brain",
        "backoffice.user": "fas fa-id-badge",
        "backoffice.accessevent": "fas fa-shoe-prints",
        "backoffice.notice": "fas fa-envelope",
        "django_q.schedule": "fas fa-stopwatch",
        "django_q.success": "fas fa-check",
        "django_q.failure": "fas fa-exclamation-triangle",
    },
}

JAZZMIN_UI_TWEAKS = {
    "theme": "default",
    "default_theme_mode": "auto",
    "navbar": "",
    "sidebar": "",
    "navbar_fixed": True,
    "sidebar_fixed": True,
    "sidebar_nav_flat_style": True,
    "button_classes": {
        "primary": "btn-primary",
        "secondary": "btn-outline-secondary",
        "info": "btn-outline-primary",
        "warning": "btn-outline-warning",
        "danger": "btn-outline-danger",
        "success": "btn-primary",
    },
}
