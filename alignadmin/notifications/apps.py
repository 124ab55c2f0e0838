from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    name = "alignadmin.notifications"

    def ready(self) -> None:
        from alignadmin.notifications import digest, services  # noqa: F401  register what is due by the clock
