"""How good the models are here, in the admin: pages of no one table."""

from django.contrib import admin
from django.urls import path

from inference.figures import drift_page, figures_page, morning_page

app_name = "inference_figures"
urlpatterns = [
    path("", admin.site.admin_view(figures_page.figures), name="figures"),
    path("csv/", admin.site.admin_view(figures_page.as_csv), name="csv"),
    path("drift/", admin.site.admin_view(drift_page.drift), name="drift"),
    path("morning/", admin.site.admin_view(morning_page.morning), name="morning"),
]
