"""Those of allauth's pages that this product uses, each with its rule for the role test."""

from __future__ import annotations

from collections.abc import Callable

from allauth.account import views
from allauth.socialaccount import views as social
from django.conf import settings
from django.http import HttpResponse
from django.urls import path, re_path

from alignadmin.accounts.acts import ACTOR, Act, Params, Typed, shown_in
from alignadmin.accounts.guard import requires
from alignadmin.accounts.rights import Right
from alignadmin.accounts.second_factors import key_named
from alignadmin.accounts.signin import (
    account_views,
    confirm_views,
    forms,
    password_views,
    session_views,
    single_sign_on,
)
from alignadmin.accounts.signin import views as own

FORM = ("GET", "POST")
anybody = requires(Right.PUBLIC, methods=FORM)
signed_in = requires(Right.SIGNED_IN, Right.SIGNED_IN, FORM)
read_fresh = requires(Right.SIGNED_IN, fresh_to_read=True)


def act(what: Act, *, begins: bool = False) -> Callable[[Callable[..., HttpResponse]], Callable[..., HttpResponse]]:
    """`begins`: the page asks as well, since it makes a secret or a question of its own, whose answer is not kept."""
    return requires(Right.SIGNED_IN, Right.SIGNED_IN, FORM, fresh=what, fresh_to_read=begins)


ADD_APP = Act(does="Add an authenticator app", secrets={"code": "the code that your app shows"})
ADD_KEY = Act(
    does="Add a security key", shown=shown_in(forms.AddKeyForm), secrets={"credential": "the answer of the key"}
)


def about_key(words: str) -> Callable[[Typed, Params], str]:
    """ "Remove the security key {}", of the key of the address."""
    return lambda _typed, params: words.format(key_named(params["pk"], params[ACTOR])).strip()


REMOVE_KEY = Act(does=about_key("Remove the security key {}"))
RENAME_KEY = Act(does=about_key("Rename the security key {}"), shown=shown_in(forms.RenameKeyForm))


urlpatterns = [
    path("login/", anybody(password_views.sign_in), name="account_login"),
    path("logout/", anybody(views.logout), name="account_logout"),
    path("inactive/", requires(Right.PUBLIC)(views.account_inactive), name="account_inactive"),
    path("reauthenticate/", signed_in(own.reauthenticate), name="account_reauthenticate"),
    path("confirm/", confirm_views.confirm, name="account_confirm"),
    path("password/change/", signed_in(password_views.change), name="account_change_password"),
    path("", signed_in(account_views.account), name="account"),
    # forgotten passwords
    path("password/reset/", anybody(password_views.ask_for_reset), name="account_reset_password"),
    path(
        "password/reset/done/", requires(Right.PUBLIC)(password_views.reset_asked), name="account_reset_password_done"
    ),
    re_path(
        r"^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>[^/]+)/$",
        anybody(password_views.set_forgotten),
        name="account_reset_password_from_key",
    ),
    # sessions
    path("sessions/", session_views.own, name="usersessions_list"),
    path("sessions/end-others/", session_views.end_others, name="usersessions_end_others"),
    path("sessions/<int:pk>/end/", session_views.end, name="usersessions_end"),
    # second factors
    path("2fa/", requires(Right.SIGNED_IN)(own.second_factors), name="mfa_index"),
    path("2fa/authenticate/", anybody(own.authenticate), name="mfa_authenticate"),
    path("2fa/reauthenticate/", signed_in(own.confirm_by_code), name="mfa_reauthenticate"),
    path("2fa/totp/activate/", act(ADD_APP, begins=True)(own.add_app), name="mfa_activate_totp"),
    path(
        "2fa/totp/deactivate/",
        act(Act(does="Remove the authenticator app"))(own.remove_app),
        name="mfa_deactivate_totp",
    ),
    path("2fa/recovery-codes/", read_fresh(own.view_codes), name="mfa_view_recovery_codes"),
    path(
        "2fa/recovery-codes/generate/",
        act(Act(does="Make new recovery codes"))(own.make_codes),
        name="mfa_generate_recovery_codes",
    ),
    path("2fa/recovery-codes/download/", read_fresh(own.download_codes), name="mfa_download_recovery_codes"),
    path("2fa/webauthn/login/", anybody(own.sign_in_by_passkey), name="mfa_login_webauthn"),
    path("2fa/webauthn/add/", act(ADD_KEY, begins=True)(own.add_key), name="mfa_add_webauthn"),
    path("2fa/webauthn/reauthenticate/", signed_in(own.confirm_by_key), name="mfa_reauthenticate_webauthn"),
    path(
        "2fa/webauthn/keys/<int:pk>/remove/",
        act(REMOVE_KEY)(own.remove_key),
        name="mfa_remove_webauthn",
    ),
    path("2fa/webauthn/keys/<int:pk>/edit/", act(RENAME_KEY)(own.rename_key), name="mfa_edit_webauthn"),
]

if settings.OIDC_SERVER:
    provider = {"provider_id": single_sign_on.PROVIDER}
    cancelled = requires(Right.PUBLIC)(social.login_cancelled)
    urlpatterns += [
        path("oidc/login/", anybody(single_sign_on.login), provider, name="openid_connect_login"),
        path(
            "oidc/login/callback/",
            requires(Right.PUBLIC)(single_sign_on.callback),
            provider,
            name="openid_connect_callback",
        ),
        path("oidc/cancelled/", cancelled, name="socialaccount_login_cancelled"),
    ]
