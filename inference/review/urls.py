"""The worklist's pages, which belong to no one record."""

from django.contrib import admin
from django.urls import path
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from inference.review import worklist_pages as pages

app_name = "worklist"
view = admin.site.admin_view
urlpatterns = [
    path("", view(never_cache(pages.worklist_view)), name="list"),
    path("live/", view(never_cache(pages.live_view)), name="live"),
    path("go/", view(require_POST(pages.go_view)), name="go"),
    path("<int:pk>/take/", view(require_POST(pages.take_view)), name="take"),
    path("<int:pk>/hold/", view(require_POST(pages.hold_view)), name="hold"),
]
