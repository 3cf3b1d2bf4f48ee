"""What patients, and whoever they show a report to, reach from outside."""

from django.urls import path

from inference.reports import public_pages

urlpatterns = [
    path("reports/<str:key>/", public_pages.open_report, name="report"),
    path("reports/<str:key>/check/", public_pages.check_report, name="report_check"),
]
