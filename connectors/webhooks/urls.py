"""Addresses of a connector's webhook, below /connectors/."""

from django.urls import path

from connectors.webhooks import views

urlpatterns = [
    path("<slug:slug>/webhook/", views.webhook, name="webhook"),
    path("<slug:slug>/webhook/set-up/", views.set_up, name="webhook-set-up"),
    path("<slug:slug>/webhook/by-hand/", views.by_hand, name="webhook-by-hand"),
    path("<slug:slug>/webhook/register/", views.register, name="webhook-register"),
    path("<slug:slug>/webhook/remove/", views.remove, name="webhook-remove"),
    path("<slug:slug>/webhook/secret/", views.secret, name="webhook-secret"),
    path("<slug:slug>/webhook/canary/", views.canary, name="webhook-canary"),
    path("<slug:slug>/webhook/canary/send/", views.canary_send, name="webhook-canary-send"),
    path("<slug:slug>/webhook/replay/", views.replay, name="webhook-replay"),
    path("<slug:slug>/webhook/deliveries/<int:pk>/", views.body, name="webhook-body"),
]
