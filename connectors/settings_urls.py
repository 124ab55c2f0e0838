"""Addresses below /settings/."""

from django.urls import path

from connectors.views import people, settings

urlpatterns = [
    path("", settings.shown, name="settings"),
    path("mail/", settings.mail, name="settings-mail"),
    path("people/", people.listed, name="people"),
    path("people/new/", people.new, name="person-new"),
    path("people/<int:pk>/", people.person, name="person"),
    path("people/<int:pk>/role/", people.role, name="person-role"),
    path("people/<int:pk>/reviews/", people.reviews, name="person-reviews"),
    path("people/<int:pk>/active/", people.active, name="person-active"),
    path("people/<int:pk>/sessions/", people.sessions, name="person-sessions"),
    path("people/<int:pk>/factors/", people.factors, name="person-factors"),
    path("people/<int:pk>/invitation/", people.invitation, name="person-invitation"),
]
