"""Addresses below /settings/."""

from django.urls import path

from alignadmin.accounts.people import views
from alignadmin.site import settings_views

urlpatterns = [
    path("", settings_views.shown, name="settings"),
    path("choices/<slug:group>/", settings_views.choose, name="settings-choose"),
    path("mail/", settings_views.mail, name="settings-mail"),
    path("people/", views.listed, name="people"),
    path("people/new/", views.new, name="person-new"),
    path("people/<int:pk>/", views.person, name="person"),
    path("people/<int:pk>/role/", views.role, name="person-role"),
    path("people/<int:pk>/reviews/", views.reviews, name="person-reviews"),
    path("people/<int:pk>/active/", views.active, name="person-active"),
    path("people/<int:pk>/sessions/", views.sessions, name="person-sessions"),
    path("people/<int:pk>/factors/", views.factors, name="person-factors"),
    path("people/<int:pk>/invitation/", views.invitation, name="person-invitation"),
]
