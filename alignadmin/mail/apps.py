from django.apps import AppConfig


class MailConfig(AppConfig):
    name = "alignadmin.mail"

    def ready(self) -> None:
        from alignadmin import figures, sealing
        from alignadmin.mail import sending  # noqa: F401  registers what is due by the clock
        from alignadmin.mail.figures import MAIL_FIGURES
        from alignadmin.mail.sealed_bodies import WAITING_MAIL

        figures.register(MAIL_FIGURES)
        sealing.register(WAITING_MAIL)
