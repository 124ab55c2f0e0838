"""What holds for every answer and every request: headers, cookies, body limits, and limits of the web process."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles.finders import get_finders
from django.test import Client
from pytest_django import Settings

from alignadmin.accounts.models import Role
from connectors.models import Connector
from tests import ROOT
from tests.conftest import SignIn
from tests.support.headers import CONFIG, HSTS, wrong_headers
from tests.support.processes import Site, copy_tables

pytestmark = pytest.mark.django_db
MEGABYTE = 1024 * 1024


def check_headers(response: Any) -> None:
    assert list(wrong_headers(response)) == []


# -- headers -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("get", "/", {}, 200),
        ("get", "/history/", {"HX-Request": "true", "HX-Target": "history"}, 200),
        ("get", "/api/v1/connectors/", {}, 200),
        ("get", "/api/v1/connectors/nobody/", {}, 404),
        ("delete", "/api/v1/connectors/", {}, 405),
        ("get", "/nowhere/", {}, 404),
        ("get", "/connectors/nobody/", {}, 404),
        ("put", "/plans/", {}, 405),
        ("post", "/connectors/new/", {"Content-Length": "99999999"}, 413),
        ("post", "/connectors/new/", {"Content-Length": "many"}, 400),
        ("post", "/connectors/new/", {"Transfer-Encoding": "chunked"}, 411),
        ("get", "/", {"Host": "evil.test"}, 400),
    ],
)
def test_every_kind_of_answer_has_the_headers(
    signed_in: SignIn, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    response = getattr(signed_in(Role.ADMIN), method)(path, headers=headers)
    assert response.status_code == status
    check_headers(response)


def test_a_form_without_its_token_gets_a_refusal_with_the_headers(signed_in: SignIn) -> None:
    client = Client(enforce_csrf_checks=True)
    client.cookies = signed_in(Role.ADMIN).cookies
    response = client.post("/connectors/new/", {})
    assert response.status_code == 403
    check_headers(response)


def test_a_caller_without_a_sign_in_is_sent_away_with_the_headers() -> None:
    page, rest = Client().get("/connectors/"), Client().get("/api/v1/connectors/")
    assert (page.status_code, rest.status_code) == (302, 403)
    for response in (page, rest):
        check_headers(response)


def test_static_files_may_be_kept_but_not_sniffed(client: Client, settings: Settings) -> None:
    """One file of each kind that is served, ours and those of the libraries."""
    settings.WHITENOISE_AUTOREFRESH = False  # as an installation serves them
    names = [name for finder in get_finders() for name, _ in finder.list([])]
    kinds = {Path(name).suffix: name for name in names}
    assert {".css", ".js", ".svg"} <= set(kinds)
    wrong = []
    for name in ("app.css", *kinds.values()):
        response = client.get(f"/static/{name}")
        assert b"".join(response.streaming_content), name  # type: ignore[attr-defined]  # read to its end, which closes the file
        kept = "no-store" not in response["Cache-Control"]
        sent = [response.headers.get(header) for header in ("X-Content-Type-Options", "Referrer-Policy")]
        if (response.status_code, sent, kept) != (200, ["nosniff", "same-origin"], True):
            wrong.append(f"{name}: {response.status_code}, {response.headers}")
    assert wrong == []


def test_the_pages_of_the_product_do_load_htmx(signed_in: SignIn) -> None:
    for path in ("/", "/connectors/", "/nowhere/"):
        assert CONFIG.search(signed_in(Role.ADMIN).get(path).content.decode()), path


def test_a_host_that_is_not_ours_gets_nothing(signed_in: SignIn) -> None:
    client = signed_in(Role.ADMIN)
    assert client.get("/", headers={"Host": "localhost"}).status_code == 200
    for headers in ({"Host": "evil.test"}, {"Host": "evil.test", "X-Forwarded-Host": "localhost"}):
        assert client.get("/", headers=headers).status_code == 400
    forwarded = client.get("/", headers={"Host": "localhost", "X-Forwarded-Host": "evil.test"})
    assert "evil.test" not in forwarded.content.decode()


def test_an_error_of_ours_is_told_without_what_went_wrong(signed_in: SignIn, settings: Any) -> None:
    client = signed_in(Role.ADMIN)
    client.raise_request_exception = False
    settings.ROOT_URLCONF = "tests.support.failing_urls"  # no error of that kind can be caused from outside
    response = client.get("/fails/")
    assert response.status_code == 500
    assert "c4n4ry" not in response.content.decode()
    check_headers(response)


def test_a_refused_request_is_a_line_of_the_log_without_the_person(
    signed_in: SignIn, caplog: pytest.LogCaptureFixture
) -> None:
    client = signed_in(Role.EDITOR)
    for method, path, status in (
        (client.post, "/connectors/nobody/refresh/", 404),
        (client.post, "/plans/1/approve/", 403),
        (client.get, "/settings/", 404),
    ):
        caplog.clear()
        assert method(path).status_code == status
        (record,) = [each for each in caplog.records if each.name == "django.request"]
        assert path in record.getMessage()
        assert "editor" not in record.getMessage().lower()
    caplog.clear()
    assert announced(client, "/connectors/new/", str(10**9)).status_code == 413
    (record,) = [each for each in caplog.records if each.name == "django.request"]
    assert "/connectors/new/" in record.getMessage()


# -- behind TLS --------------------------------------------------------------------------------------------------------

SECURE_SITE = """
import json, sys
import django
django.setup()
from django.test import Client
from alignadmin.accounts.models import Person, Role
Person.objects.create_user("a@example.test", "a long enough password", name="A", role=Role.VIEWER)
plain, client = Client(), Client()
answers = [
    plain.get("/accounts/login/"),
    client.get("/accounts/login/", secure=True),
    client.post("/accounts/login/", {"login": "a@example.test", "password": "a long enough password"}, secure=True),
    client.get("/", secure=True),
    client.get("/static/app.css", secure=True),
    client.get("/nowhere/", secure=True),
]
forged = Client().get("/accounts/login/", headers={"X-Forwarded-Proto": "https"})
cookies = {name: {key: morsel[key] for key in morsel if morsel[key]} for name, morsel in client.cookies.items()}
told = [[a.status_code, dict(a.headers)] for a in answers]
print(json.dumps({"answers": told, "cookies": cookies, "forged": forged.status_code}))
"""


@pytest.fixture(scope="module")
def secure_site(processes: None, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the settings of an installation behind TLS make of one sign-in, in a process of its own."""
    folder = tmp_path_factory.mktemp("secure")
    copy_tables(folder, "")
    own = {"SECURE": "1", "DATA_DIR": str(folder), "ALLOWED_HOSTS": "testserver"}
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"} | own
    done = subprocess.run(
        [sys.executable, "-c", SECURE_SITE], env=environment, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def test_behind_tls_plain_http_is_sent_to_https_and_https_stays(secure_site: dict[str, Any]) -> None:
    (status, headers), *secure = secure_site["answers"]
    assert (status, headers["Location"]) == (301, "https://testserver/accounts/login/")
    assert "Set-Cookie" not in headers
    assert [status for status, _ in secure] == [200, 302, 200, 200, 404]
    assert secure_site["forged"] == 301, "https is believed from a proxy of the operator alone"
    assert {headers["Strict-Transport-Security"] for _, headers in secure} == {HSTS}


def test_behind_tls_cookies_are_bound_to_the_host(secure_site: dict[str, Any]) -> None:
    cookies = secure_site["cookies"]
    assert set(cookies) == {"__Host-session", "__Host-csrf", "__Host-device"}
    for name, cookie in cookies.items():
        assert (cookie["secure"], cookie["path"], cookie["samesite"]) == (True, "/", "Lax"), name
        assert "domain" not in cookie
    assert cookies["__Host-session"]["httponly"] is True
    assert cookies["__Host-device"]["httponly"] is True


# -- bodies ------------------------------------------------------------------------------------------------------------


class Unread:
    """A body that must not be touched."""

    def read(self, *size: int) -> bytes:
        raise AssertionError("the body was read")

    readline = read


def announced(client: Client, path: str, length: str, **extra: Any) -> Any:
    return client.post(path, **{"CONTENT_LENGTH": length, "wsgi.input": Unread(), **extra})


@pytest.mark.parametrize("length", [str(11 * MEGABYTE + 1), str(10**12), "9" * 5000, "0" * 5000 + "99999999"])
def test_a_body_that_is_too_long_is_refused_before_it_is_read(signed_in: SignIn, length: str) -> None:
    client = signed_in(Role.ADMIN)
    page = announced(client, "/connectors/new/", length)
    assert (page.status_code, page["Content-Type"]) == (413, "text/html; charset=utf-8")
    assert "larger than 11.0\xa0MB" in page.content.decode()
    fragment = announced(client, "/connectors/new/", length, HTTP_HX_REQUEST="true")
    assert (fragment.status_code, fragment["Content-Type"]) == (413, "text/plain; charset=utf-8")
    assert fragment.content.decode().startswith("The request is larger than")
    rest = announced(client, "/api/v1/connectors/", length)
    assert (rest.status_code, list(rest.json())) == (413, ["error"])


def test_it_is_refused_without_a_sign_in_too() -> None:
    for path in ("/accounts/login/", "/api/v1/connectors/", "/connectors/new/"):
        assert announced(Client(), path, str(12 * MEGABYTE)).status_code == 413


@pytest.mark.parametrize("length", ["-1", "+5", "1e3", "0x10", "1_000", "12 34", "many", "\u0661"])
def test_a_length_that_is_no_number_is_refused(signed_in: SignIn, length: str) -> None:
    response = announced(signed_in(Role.ADMIN), "/connectors/new/", length)
    assert response.status_code == 400
    assert "no number" in response.content.decode()


def test_a_body_of_unknown_length_is_refused(signed_in: SignIn) -> None:
    for length in ("", "10"):
        response = announced(signed_in(Role.ADMIN), "/connectors/new/", length, HTTP_TRANSFER_ENCODING="chunked")
        assert (response.status_code, "Content-Length" in response.content.decode()) == (411, True)


def test_a_body_within_the_limit_is_read(signed_in: SignIn, settings: Any) -> None:
    client = signed_in(Role.ADMIN)
    body = "name=" + "x" * 1000
    for most, status in ((len(body), 200), (len(body) - 1, 413)):
        settings.MAX_BODY = most
        sent = client.post("/connectors/new/", body, content_type="application/x-www-form-urlencoded")
        assert sent.status_code in ({200, 400} if status == 200 else {413})
    assert not Connector.objects.exists()


# -- the web process ---------------------------------------------------------------------------------------------------


def spoken(site: Site, head: str) -> str:
    """The first line of the answer to what is sent as it stands."""
    with socket.create_connection(("127.0.0.1", site.port), timeout=10) as connected:
        connected.sendall(head.encode())
        return connected.recv(4096).decode().splitlines()[0]


TO_LOGIN = "POST /accounts/login/ HTTP/1.1\r\nHost: localhost\r\n"
TO_HEALTH = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n"


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (TO_HEALTH, 200),
        (f"{TO_LOGIN}Content-Length: 99999999\r\n", 413),
        (f"{TO_LOGIN}Transfer-Encoding: chunked\r\n", 411),
        (f"{TO_LOGIN}Content-Length: -1\r\n", 400),
        (f"{TO_LOGIN}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", 400),
        (f"GET /healthz?{'x' * 9000} HTTP/1.1\r\nHost: localhost\r\n", 414),
        (f"{TO_HEALTH}X-Long: {'x' * 9000}\r\n", 431),
        (TO_HEALTH + "".join(f"X-{number}: 1\r\n" for number in range(70)), 431),
    ],
)
def test_the_web_process_answers_at_once_without_waiting_for_the_rest(site: Site, head: str, status: int) -> None:
    assert f" {status} " in spoken(site, f"{head}\r\n")
