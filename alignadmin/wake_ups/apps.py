from django.apps import AppConfig


class WakeUpsConfig(AppConfig):
    name = "alignadmin.wake_ups"
