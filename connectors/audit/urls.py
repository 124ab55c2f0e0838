"""The addresses below /history/."""

from django.urls import path

from connectors.audit import pages

urlpatterns = [
    path("", pages.history, name="history"),
    path("intake/", pages.take_in, name="history-intake"),
    path("verify/", pages.verify, name="history-verify"),
    path("<int:row>/", pages.row, name="history-row"),
]
