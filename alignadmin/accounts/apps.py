from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "alignadmin.accounts"

    def ready(self) -> None:
        from alignadmin import sealing
        from alignadmin.accounts import recent_sign_in  # noqa: F401  registers its receivers
        from alignadmin.accounts.second_factors import SECOND_FACTORS

        sealing.register(SECOND_FACTORS)
