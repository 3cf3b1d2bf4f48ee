from django.conf import settings
from django.contrib import admin
from django.shortcuts import redirect
from django.templatetags.static import static
from django.urls import URLPattern, URLResolver, include, path

from backoffice.access.language import choose_language
from backoffice.measuring.page import metrics
from backoffice.web.health import healthz, readyz

ADMIN = settings.ADMIN_PATH

public: list[URLPattern | URLResolver] = [
    path("favicon.ico", lambda request: redirect(static("backoffice/mark.png"))),
    path("healthz", healthz),
    path("readyz", readyz),
    path("metrics", metrics),
    path("i18n/setlang/", choose_language, name="set_language"),
    path("", include("clinic.urls")),
    path("", include("inference.urls")),
]
urlpatterns = [
    path(f"{ADMIN}clinic/", include("clinic.admin.urls")),  # before the admin's own, which end in a catch-all
    path(f"{ADMIN}inference/worklist/", include("inference.review.urls")),
    path(f"{ADMIN}inference/figures/", include("inference.figures.urls")),
    path(ADMIN, admin.site.urls),
    *public,
]

handler400 = "backoffice.web.errors.bad_request"
handler403 = "backoffice.access.security_events.page_refused"
handler404 = "backoffice.web.errors.not_found"
handler500 = "backoffice.web.errors.server_error"
