"""The processes' log holds no secret of a link that stands in an address."""

from __future__ import annotations

import logging

import pytest

from alignadmin.logs import OneLine


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("/token/s3cret-of_a-link/", "/token/…/"),
        ("/token/enter-s3cret/", "/token/…/"),
        ("/token/s3cret/more", "/token/…/more"),
        ("https://site.test/token/s3cret", "https://site.test/token/…"),
        ("/hooks/s3cret-of_a-webhook/", "/hooks/…/"),
        ("/token/enter/12/", "/token/enter/12/"),
        ("/accounts/join/MQ/s3cret-of/", "/accounts/join/MQ/…/"),
        ("/accounts/join/MQ/set/", "/accounts/join/MQ/set/"),
        ("/accounts/password/reset/key/1-s3cret-of/", "/accounts/password/reset/key/1-…/"),
        ("/accounts/password/reset/key/1-set-password/", "/accounts/password/reset/key/1-set-password/"),
        ("/plans/12/", "/plans/12/"),
    ],
)
def test_the_secret_of_an_address_is_left_out(address: str, told: str) -> None:
    try:
        raise ValueError(address)
    except ValueError as error:
        cause = (type(error), error, error.__traceback__)
    record = logging.LogRecord("django.request", logging.WARNING, "x.py", 1, "Forbidden: %s", (address,), cause)
    line = OneLine("{message}", style="{").format(record)
    assert line.startswith(f"Forbidden: {told} | ")
    assert line.endswith(f"ValueError: {told}")
    assert "s3cret" not in line
