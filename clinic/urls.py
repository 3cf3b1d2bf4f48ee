from django.urls import path
from django.views.generic import RedirectView

from clinic.public import board, private_page, views

app_name = "clinic"
urlpatterns = [
    path("", RedirectView.as_view(pattern_name="clinic:choose")),
    path("book/", views.choose, name="choose"),
    path("book/details/", views.details, name="details"),
    path("book/survey/", views.survey, name="survey"),
    path("book/done/", views.done, name="done"),
    path("bookings/<str:reference>/", private_page.see, name="booking"),
    path("bookings/<str:reference>/move/", private_page.move, name="move"),
    path("bookings/<str:reference>/cancel/", private_page.cancel, name="cancel"),
    path("bookings/<str:reference>/calendar.ics", private_page.calendar, name="calendar"),
    path("now/", board.now_serving, name="now"),
]
