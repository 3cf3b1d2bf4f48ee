"""Pages of the admin that belong to no one model; the rest are reached through their admins."""

from django.contrib import admin
from django.urls import path

from clinic.admin.survey_page import survey

app_name = "clinic_admin"
urlpatterns = [path("survey/", admin.site.admin_view(survey), name="survey")]
