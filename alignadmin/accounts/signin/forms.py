"""The forms of second factors, with what a browser or a stranger sends checked before allauth trusts its shape."""

from __future__ import annotations

from typing import Any
from zoneinfo import available_timezones

from allauth.core import context
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.totp.internal import auth as totp
from allauth.mfa.webauthn.forms import (
    AddWebAuthnForm,
    AuthenticateWebAuthnForm,
    EditWebAuthnForm,
    LoginWebAuthnForm,
    ReauthenticateWebAuthnForm,
)
from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator

from alignadmin import sealing
from alignadmin.accounts.models import Person
from alignadmin.accounts.signin import audit_entries, used_codes

WAITING = "session|authenticator app"
LONGEST_NAME = 60
LONGEST_CODE = 100
LONGEST_ANSWER = 100_000
# What allauth's parsers raise, besides ValidationError, on answers of another shape than a browser's.
MALFORMED = (ValueError, TypeError, LookupError, AttributeError, AssertionError, OverflowError)
KEY_REFUSED = "This security key was not accepted. Try again with a key that you added to your account, or use a code."
ZONES = available_timezones() - {"localtime", "posixrules", "Factory"}  # of one machine, not of the world
PASSKEY_REFUSED = (
    "This passkey was not accepted. Use one that you added to your account here to sign in alone, or your password."
)
KEY_UNREADABLE = "The security key gave no usable answer. Start again, or use another key."


class _CodeForm(forms.Form):
    """Digits, also on a phone's keyboard."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["code"]
        field.validators.append(MaxLengthValidator(LONGEST_CODE))
        field.widget.attrs |= {"inputmode": "numeric", "spellcheck": "false", "maxlength": LONGEST_CODE}
        field.widget.attrs.pop("placeholder", None)


class SetUpAppForm(_CodeForm, ActivateTOTPForm):
    """The new secret waits in the session, sealed, until the app has shown its first code."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        session = context.request.session
        waiting = session.get(totp.SECRET_SESSION_KEY)
        super().__init__(*args, **kwargs)
        self.fields["code"].label = "Code that your app shows"
        if self.is_bound and waiting:
            self.secret = _opened(waiting)
        session[totp.SECRET_SESSION_KEY] = sealing.seal(self.secret, bound_to=WAITING)


def _opened(waiting: str) -> str:
    try:
        return sealing.unseal(waiting, bound_to=WAITING)
    except sealing.DoesNotOpen:  # the key was replaced meanwhile: a new secret, so the typed code cannot fit
        return str(totp.generate_totp_secret())


class _OneUse(_CodeForm):
    """A code that was used is refused for as long as a tolerated clock may still show it."""

    user: Person

    def clean_code(self) -> str:
        typed = str(self.cleaned_data["code"])
        if used_codes.was_used(self.user, typed):
            audit_entries.refused(
                context.request, self.user, f"A code for {self.user} was refused.", how=audit_entries.CODE
            )
            raise get_adapter().validation_error("incorrect_code")
        code = str(super().clean_code())  # type: ignore[misc]
        used_codes.use_up(self.user, code)
        return code


class CodeForm(_OneUse, AuthenticateForm):
    pass


class ConfirmingCodeForm(_OneUse, ReauthenticateForm):
    pass


class KeyAnswerField(forms.JSONField):
    """The answer of a key as the browser's script writes it."""

    widget = forms.HiddenInput
    default_error_messages = {"invalid": KEY_UNREADABLE, "required": KEY_UNREADABLE}

    def to_python(self, value: Any) -> Any:
        if len(value or "") > LONGEST_ANSWER:
            raise ValidationError(KEY_UNREADABLE)
        try:
            return super().to_python(value)
        except (RecursionError, ValueError) as error:  # ValueError: a number of thousands of digits
            raise ValidationError(KEY_UNREADABLE) from error

    def bound_data(self, data: Any, initial: Any) -> str:
        """An answer belongs to one question: it is not drawn again."""
        return ""

    def prepare_value(self, value: Any) -> str:
        return ""


class _KeyName(forms.Form):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"] = forms.CharField(
            label="Name",
            help_text="So that you know it among others, like: YubiKey on my key ring.",
            max_length=LONGEST_NAME,
            required=self.fields["name"].required,
            initial=self.initial.get("name"),
            widget=forms.TextInput(attrs={"autocomplete": "off"}),
        )

    def clean_name(self) -> str:
        typed = " ".join(str(self.cleaned_data["name"]).split())
        return typed or str(self.initial["name"])


class AddKeyForm(_KeyName, AddWebAuthnForm):
    credential = KeyAnswerField()
    passwordless = forms.BooleanField(
        label="It signs me in alone, without my password",
        required=False,
        help_text="The key then asks for its PIN, your fingerprint or your face. Nobody can guess on that way.",
    )

    def clean(self) -> dict[str, Any]:
        try:
            return dict(super().clean() or {})
        except ValidationError as error:
            raise ValidationError(KEY_UNREADABLE) from error
        except MALFORMED as error:
            raise ValidationError(KEY_UNREADABLE) from error


class RenameKeyForm(_KeyName, EditWebAuthnForm):
    pass


class _KeyForm(AuthenticateWebAuthnForm):
    """A refused key is an audit entry; allauth tells only of refused codes."""

    credential = KeyAnswerField()

    def clean_credential(self) -> Any:
        try:
            return super().clean_credential()
        except ValidationError as error:
            if error.code != "incorrect_code":  # too many attempts: those are not written down
                raise
            raise self._refused() from error
        except MALFORMED as error:
            raise self._refused() from error

    def _refused(self) -> ValidationError:
        audit_entries.refused(
            context.request, self.user, f"A security key for {self.user} was refused.", how="security key"
        )
        return ValidationError(KEY_REFUSED)


class KeyForm(_KeyForm):
    pass


class ConfirmingKeyForm(_KeyForm, ReauthenticateWebAuthnForm):
    pass


class PasskeyForm(LoginWebAuthnForm):
    """Who signs in is known only from the answer, which anybody could have written: nothing is counted for them."""

    credential = KeyAnswerField()

    def clean_credential(self) -> Any:
        try:
            return super().clean_credential()
        except ValidationError as error:
            raise ValidationError(PASSKEY_REFUSED) from error
        except MALFORMED as error:
            raise ValidationError(PASSKEY_REFUSED) from error


class ZoneForm(forms.Form):
    time_zone = forms.CharField(
        label="Time zone",
        required=False,
        max_length=64,
        help_text="Times on every page are shown in it, like Europe/Warsaw. Empty: UTC.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "list": "zones"}),
    )

    def clean_time_zone(self) -> str:
        name = str(self.cleaned_data["time_zone"])
        if name and name not in ZONES:
            raise ValidationError("This is no time zone. Enter a name like Europe/Warsaw, America/New_York or UTC.")
        return name
