"""The one place a socket is opened, against real sockets."""

import gzip
import logging
import socket
import ssl
import threading
import time
import traceback
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any, BinaryIO

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from alignadmin.http import BadToken, Basic, Bearer, NoBudget, Remote, Retry, Site, clean_token
from alignadmin.http.address import origin_of
from alignadmin.http.errors import (
    AddressRefused,
    BadRequest,
    Forbidden,
    NotFound,
    NotJson,
    OutcomeUnknown,
    RateLimited,
    ReadOnlyRefused,
    RemoteError,
    ServerFailed,
    SignInRefused,
    Unreachable,
)
from alignadmin.http.responses import MOST_PARTS
from connectors.credentials import retrying
from connectors.models import System
from tests.support.scripted_server import Reply, Script, ScriptedServer, in_turn, serving

pytestmark = pytest.mark.usefixtures("network")

CANARY = "user:17|c4n4ry-S3cr3t"
QUICK = Retry(tries=3, first_pause=0.001, usual_block=0.05, least_block=0.05, block_jitter=0.0, patience=5.0)


@contextmanager
def talking(script: Script, **settings: Any) -> Iterator[tuple[Remote, ScriptedServer]]:
    retry = settings.pop("retry", QUICK)
    read_only = settings.pop("read_only", False)
    with serving(script) as server:
        site = Site(address=server.address, allow_private=True, **settings)
        with Remote(site, budget=NoBudget(), auth=Bearer(CANARY), retry=retry, read_only=read_only) as remote:
            yield remote, server


def raw(*pieces: bytes, every: float = 0.0) -> Reply:
    """Writes the pieces, with a pause before each, and closes."""

    def write(wire: BinaryIO) -> None:
        for piece in pieces:
            time.sleep(every)
            wire.write(piece)
            wire.flush()

    return Reply(raw=write)


def failing(call: Callable[[], object]) -> RemoteError:
    with pytest.raises(RemoteError) as caught:
        call()
    return caught.value


def test_it_sends_query_body_and_sign_in_and_reads_json() -> None:
    with talking(in_turn(Reply(status=201, data={"id": 7}))) as (remote, server):
        answer = remote.request("POST", "/a/b", query=[("ProjectKey", "P&1"), ("$top", "100")], body={"x": "ü→"})
    assert (answer.status, answer.data) == (201, {"id": 7})
    seen = server.seen[0]
    assert (seen.method, seen.path, seen.query) == ("POST", "/a/b", {"ProjectKey": "P&1", "$top": "100"})
    assert seen.headers["authorization"] == f"bearer {CANARY}"
    assert seen.body == b'{"x": "\\u00fc\\u2192"}'


def test_a_client_for_reading_refuses_to_write_before_anything_is_sent() -> None:
    with talking(in_turn(Reply(data=[])), read_only=True) as (remote, server):
        for method in ("POST", "PUT", "DELETE", "PATCH", "delete"):
            assert isinstance(failing(lambda method=method: remote.request(method, "/x")), ReadOnlyRefused)  # type: ignore[misc]
        assert server.seen == []
        assert remote.request("GET", "/x").data == []


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, BadRequest),
        (401, SignInRefused),
        (403, Forbidden),
        (404, NotFound),
        (409, BadRequest),
        (410, BadRequest),
        (422, BadRequest),
        (302, NotJson),
        (500, ServerFailed),
        (503, ServerFailed),
    ],
)
def test_every_status_has_its_error_and_a_sentence_with_what_to_do(status: int, kind: type[RemoteError]) -> None:
    with talking(in_turn(Reply(status=status, data={"message": "because"}))) as (remote, _):
        error = failing(lambda: remote.request("GET", "/x"))
    assert type(error) is kind
    assert error.status == status
    assert str(status) in error.sentence
    assert str(error) == error.sentence


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 302])
def test_a_refusal_is_not_repeated(status: int) -> None:
    with talking(in_turn(Reply(status=status, data=None))) as (remote, server):
        assert failing(lambda: remote.request("GET", "/x")).permanent
        assert len(server.seen) == 1


@pytest.mark.parametrize(
    ("reply", "detail"),
    [
        (
            Reply(status=400, data={"errors": {"JiraStatusId": ["must exist", "again"]}}),
            "JiraStatusId: must exist; JiraStatusId: again",
        ),
        (Reply(status=400, data={"errors": [{"message": "one"}, "two"], "title": "no"}), "one; two"),
        (Reply(status=400, data={"title": "Bad", "detail": "Duplicate key"}), "Bad; Duplicate key"),
        (Reply(status=400, data={"Message": "Old style"}), "Old style"),
        (Reply(status=400, data={"errorMessages": ["No project"], "errors": {}}), "No project"),
        (Reply(status=400, data="just a text"), "just a text"),
        (Reply(status=400, text="plain words"), "plain words"),
        (Reply(status=400, text="x" * 5000), "x" * 300),
        (Reply(status=400, text=""), ""),
        (Reply(status=400, text="[" * 100_000), "[" * 300),
        (Reply(status=400, text="<html><b>no</b></html>"), "The site answered with a web page."),
        (Reply(status=400, data={"errors": {"": None, "a": [1, {}]}}), '{"errors": {"": null, "a": [1, {}]}}'),
    ],
)
def test_the_sites_own_words_are_found_in_any_error_body(reply: Reply, detail: str) -> None:
    with talking(in_turn(reply)) as (remote, _):
        assert failing(lambda: remote.request("GET", "/x")).detail == detail


@pytest.mark.parametrize(
    "failure", [Reply(status=500), Reply(status=503), raw(), raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n[1")]
)
def test_a_read_is_repeated_after_a_server_error_or_a_cut(failure: Reply) -> None:
    with talking(in_turn(failure, failure, Reply(data=[1]))) as (remote, server):
        assert remote.request("GET", "/x").data == [1]
        assert len(server.seen) == 3


def test_the_numbers_that_are_promised_are_those_of_every_site() -> None:
    site, retry = Site(address="https://site.example.com"), Retry()
    assert (site.connect_timeout, site.read_timeout, site.deadline, site.most_bytes) == (3, 15, 20, 5_000_000)
    assert (retry.tries, retry.longest_pause, MOST_PARTS) == (5, 30, 200_000)
    pauses = [retry.pause(failures) for failures in range(1, 12) for _ in range(50)]
    assert 0 <= min(pauses) < 1
    assert 20 < max(pauses) <= 30


def test_a_read_is_repeated_only_so_often() -> None:
    with talking(in_turn(Reply(status=500, data={"message": "down"}))) as (remote, server):
        error = failing(lambda: remote.request("GET", "/x"))
        assert isinstance(error, ServerFailed)
        assert not error.permanent
        assert error.detail == "down"
        assert len(server.seen) == 3


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
@pytest.mark.parametrize(
    "failure",
    [
        Reply(status=500, data={"message": "boom"}),
        raw(),
        raw(b"HTTP/1.1 201 Created\r\nContent-Length: 9\r\n\r\n{"),
        Reply(text="<html>sign in</html>"),
    ],
)
def test_a_write_is_never_repeated_once_bytes_may_have_left(method: str, failure: Reply) -> None:
    with talking(in_turn(failure)) as (remote, server):
        error = failing(lambda: remote.request(method, "/x", body={}))
        assert isinstance(error, OutcomeUnknown)
        assert not error.permanent
        assert len(server.seen) == 1


def test_a_write_that_cannot_have_left_is_not_of_unknown_outcome() -> None:
    with talking(in_turn(Reply())) as (remote, _):
        pass
    error = failing(lambda: remote.request("POST", "/x", body={}))
    assert type(error) is Unreachable
    assert "refuses connections" in error.sentence


@pytest.mark.parametrize("text", ["", "17", '"17"', "created"])
def test_a_write_may_answer_anything(text: str) -> None:
    with talking(in_turn(Reply(status=201, text=text))) as (remote, _):
        assert remote.request("POST", "/x", body={}).text == text


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_after_429_the_request_goes_on_and_does_not_fail(method: str) -> None:
    limited = Reply(status=429, text="429 too many requests")
    with talking(in_turn(limited, limited, limited, limited, Reply(data=[]))) as (remote, server):
        began = time.monotonic()
        assert remote.request(method, "/x").data == []
        assert time.monotonic() - began >= 4 * 0.05
        assert len(server.seen) == 5


def test_429_fails_only_after_a_long_patience() -> None:
    retry = Retry(usual_block=0.05, least_block=0.05, block_jitter=0.0, patience=0.2)
    with talking(in_turn(Reply(status=429)), retry=retry) as (remote, server):
        assert isinstance(failing(lambda: remote.request("GET", "/x")), RateLimited)
        assert 3 <= len(server.seen) <= 5


class Noted(NoBudget):
    """For how long everybody was stopped."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks: list[float] = []

    def blocked(self, ticket: object, seconds: float) -> None:
        self.blocks.append(seconds)


def stopped_for(refusal: Reply, retry: Retry) -> list[float]:
    noted = Noted()
    with serving(in_turn(refusal, Reply(data=[]))) as server:
        site = Site(address=server.address, allow_private=True)
        with Remote(site, budget=noted, retry=retry) as remote:
            remote.request("GET", "/x")
    return noted.blocks


@pytest.mark.parametrize(
    ("header", "align", "jira"),
    [("90", 90, 90), ("2", 60, 2), ("0", 60, 1), ("soon", 60, 5), ("", 60, 5), ("99999999", 900, 900)],
)
def test_a_site_is_left_alone_as_long_as_its_system_wants(header: str, align: float, jira: float) -> None:
    """Align's block lasts a minute whatever a header says; Jira says how long, else five seconds are advised."""
    refusal = Reply(status=429, headers={"Retry-After": header})
    for system, least in ((System.ALIGN, align), (System.JIRA, jira)):
        [waited] = stopped_for(refusal, retrying.retry(system))
        assert least <= waited <= least + 5


def test_a_503_that_says_for_how_long_stops_everybody_and_another_one_does_not() -> None:
    retry = replace(QUICK, least_block=0.0)
    assert stopped_for(Reply(status=503, headers={"Retry-After": "1"}), retry) == [1]
    assert stopped_for(Reply(status=503), retry) == []


def test_what_a_block_lets_through_only_later_is_not_blamed_on_others() -> None:
    retry = Retry(usual_block=30.0, least_block=30.0, block_jitter=0.0, patience=0.2)
    with talking(in_turn(Reply(status=429)), retry=retry) as (remote, server):
        error = failing(lambda: remote.request("GET", "/x"))
        assert isinstance(error, RateLimited)
        assert "asked to be left alone for another" in error.sentence
        assert len(server.seen) == 1


def test_the_site_s_own_reason_stands_in_the_sentence_and_no_token_in_it() -> None:
    said = {"title": f"Your license has ended ({CANARY})"}
    with talking(in_turn(Reply(status=400, data=said))) as (remote, _):
        error = failing(lambda: remote.request("GET", "/x"))
        assert "says: “Your license has ended (" in error.sentence
        assert CANARY not in error.sentence


def test_a_web_page_is_not_told_as_the_site_s_own_words() -> None:
    with talking(in_turn(Reply(status=404, text="<html>Not here</html>"))) as (remote, _):
        error = failing(lambda: remote.request("GET", "/x"))
        assert "says:" not in error.sentence
        assert error.detail == "The site answered with a web page."


def test_a_redirect_names_the_host_and_nothing_else_of_where_it_leads() -> None:
    where = "https://acme2.jiraalign.example/login?token=abc"
    moved = Reply(status=302, text=f"Moved to {where}", headers={"Location": where})
    with talking(in_turn(moved)) as (remote, _):
        error = failing(lambda: remote.request("GET", "/x"))
        assert "sends us to acme2.jiraalign.example (302)" in error.sentence
        assert "abc" not in error.sentence + error.detail


@pytest.mark.parametrize(
    "reply",
    [
        Reply(text="<!DOCTYPE html><title>Sign in</title>", headers={"Content-Type": "text/html"}),
        Reply(text="  <html>"),
        Reply(text='[{"id": 1'),
        Reply(text=""),
        Reply(text="[" * 200_000),
    ],
)
def test_what_is_not_json_is_said_and_not_repeated(reply: Reply) -> None:
    with talking(in_turn(reply)) as (remote, server):
        error = failing(lambda: remote.request("GET", "/x"))
        assert type(error) is NotJson
        assert len(server.seen) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_redirects_are_not_followed(status: int, method: str) -> None:
    with serving(in_turn(Reply(data=[]))) as target:
        moved = Reply(status=status, headers={"Location": f"{target.address}/elsewhere"})
        with talking(in_turn(moved)) as (remote, server):
            assert isinstance(failing(lambda: remote.request(method, "/x")), NotJson)
            assert len(server.seen) == 1
        assert target.seen == []


def test_proxies_and_sign_ins_of_the_environment_are_ignored(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    with serving(in_turn(Reply(status=502))) as proxy, serving(in_turn(Reply(data=[]))) as server:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.address)
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        # What a plain session does with them, so that the test could fail.
        assert requests.get(server.address, timeout=5).status_code == 502
        with Remote(Site(address=server.address, allow_private=True), budget=NoBudget(), retry=QUICK) as remote:
            assert remote.request("GET", "/x").data == []
        assert len(proxy.seen) == 1
        assert "authorization" not in server.seen[0].headers


def test_cookies_are_not_kept() -> None:
    with talking(in_turn(Reply(data=[], headers={"Set-Cookie": "JSESSIONID=1; Path=/"}))) as (remote, server):
        remote.request("GET", "/x")
        remote.request("GET", "/x")
        assert "cookie" not in server.seen[1].headers


@pytest.mark.parametrize(
    "pieces",
    [
        [b"HTTP/1.1 200 OK\r\n", *[b"X-A: b\r\n"] * 100],
        [b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n", *[b" "] * 100],
        [b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n[1]", *[b" "] * 100],
        [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", *[b"1\r\n \r\n"] * 100],
    ],
    ids=["headers", "length", "close", "chunked"],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_deadline_covers_slow_bytes_in_headers_and_body(pieces: list[bytes], method: str) -> None:
    with talking(in_turn(raw(*pieces, every=0.05)), deadline=0.4, retry=Retry(tries=1)) as (remote, _):
        began = time.monotonic()
        error = failing(lambda: remote.request(method, "/x"))
        assert 0.35 <= time.monotonic() - began < 1.0
    assert type(error) is (Unreachable if method == "GET" else OutcomeUnknown)
    assert "did not answer in time" in error.sentence


def test_a_silent_site_times_out_and_a_later_request_works() -> None:
    replies = in_turn(raw(b"", every=0.6), Reply(data=[2]))
    with talking(replies, read_timeout=0.2, retry=Retry(tries=1)) as (remote, _):
        assert type(failing(lambda: remote.request("GET", "/x"))) is Unreachable
        assert remote.request("GET", "/x").data == [2]


def test_an_answer_that_is_too_large_is_cut() -> None:
    with talking(in_turn(Reply(data="x" * 3000)), most_bytes=2000) as (remote, _):
        assert type(failing(lambda: remote.request("GET", "/x"))) is NotJson


ANSWERS = {
    "two million lists": b"[" * 2_000_000 + b"]" * 2_000_000,
    "two million lists, cut off": b"[" * 2_000_000,
    "objects": b'{"a":' * 400_000 + b"1" + b"}" * 400_000,
    "many that are not deep": b"[" + b"[]," * 1_000_000 + b"[]]",
    "stretches just as deep as is parsed": b"[" + b",".join([b"[" * 900 + b"]" * 900] * 2500) + b"]",
    "texts that look like their end": b'["\\\\", ' * 300_000,
}


@pytest.mark.parametrize("body", ANSWERS.values(), ids=ANSWERS)
def test_a_nested_answer_is_refused_before_it_takes_memory(body: bytes) -> None:
    """Parsed, each of these would take up to half a gigabyte."""
    with talking(lambda _: raw(head_of(body), body)) as (remote, server):
        tracemalloc.start()
        try:
            error = failing(lambda: remote.request("GET", "/"))
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert isinstance(error, NotJson)
    assert "nested deeper, or in more parts" in error.sentence
    assert len(server.seen) == 1
    assert peak < 8 * len(body)


def test_brackets_in_texts_and_the_depth_of_ordinary_answers_are_no_nesting() -> None:
    deep: Any = "x"
    for _ in range(15):
        deep = [{"a": deep}]
    data = {"deep": deep, "names": ["[" * 500, '{"' * 500, "\\" * 501, '"]' * 500], "many": [{"id": 1}] * 5000}
    with talking(lambda _: Reply(data=data)) as (remote, _):
        assert remote.request("GET", "/").data == data


def test_a_write_whose_answer_is_nested_has_taken_effect() -> None:
    with talking(lambda _: Reply(status=201, text="[" * 300_000)) as (remote, _):
        assert remote.request("POST", "/", body={}).data is None


def test_a_small_answer_that_unpacks_to_a_large_one_is_cut() -> None:
    """300 MB of blanks in 300 kB."""
    packed = gzip.compress(b" " * 300_000_000, compresslevel=9)
    head = head_of(packed, b"Content-Encoding: gzip\r\n")
    with talking(lambda _: raw(head, packed)) as (remote, _):
        tracemalloc.start()
        try:
            error = failing(lambda: remote.request("GET", "/"))
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert "more data than any answer should have" in error.sentence
    assert peak < 100_000_000


def head_of(body: bytes, more: bytes = b"") -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n" + more + b"Content-Length: %d\r\n\r\n" % len(body)


def test_32_threads_share_one_remote() -> None:
    together = threading.Barrier(32)

    def script(seen: Any) -> Reply:
        together.wait(timeout=10)
        return Reply(data=seen.path)

    with talking(script) as (remote, server), ThreadPoolExecutor(32) as pool:
        for _ in range(2):
            paths = [f"/{number}" for number in range(32)]
            assert list(pool.map(lambda path: remote.request("GET", path).data, paths)) == paths
        assert len(server.seen) == 64


@pytest.mark.parametrize(
    "address",
    [
        "http://acme.jiraalign.com",
        "ftp://acme.jiraalign.com",
        "https://user:pass@acme.jiraalign.com",
        "https://acme.jiraalign.com@evil.test",
        "https://",
        "https://acme.jiraalign.com?x=1",
        "https://acme.jiraalign.com#x",
        "https://acme .test",
        "https://acme.test:99999",
        "https://[::1",
        "acme.jiraalign.com",
        "",
    ],
)
def test_a_site_needs_a_plain_https_address(address: str) -> None:
    error = failing(lambda: Site(address=address))
    assert type(error) is AddressRefused
    assert "pass" not in repr(error).replace("password", "")


def test_plain_http_needs_the_operators_leave() -> None:
    assert Site(address="http://127.0.0.1:8001", allow_private=True).origin == "127.0.0.1:8001"


@pytest.mark.parametrize(
    ("address", "origin"),
    [("https://Acme.Test", "acme.test"), ("https://a.test:443/x", "a.test"), ("https://a.test:444", "a.test:444")],
)
def test_the_origin_is_the_host_with_an_unusual_port(address: str, origin: str) -> None:
    assert origin_of(address) == origin


def test_a_host_that_does_not_exist_is_said() -> None:
    with Remote(Site(address="https://no-such-host.invalid"), budget=NoBudget(), retry=QUICK) as remote:
        error = failing(lambda: remote.request("GET", "/x"))
    assert type(error) is Unreachable
    assert "no-such-host.invalid" in error.sentence


def test_a_site_without_tls_is_said_and_not_repeated() -> None:
    with serving(in_turn(Reply(data=[]))) as server:
        site = Site(address=server.address.replace("http:", "https:"), allow_private=True)
        with Remote(site, budget=NoBudget(), retry=QUICK, read_only=False) as remote:
            error = failing(lambda: remote.request("POST", "/x"))
    assert type(error) is Unreachable
    assert error.permanent
    assert "certificate" in error.sentence


def test_a_certificate_that_nobody_vouches_for_is_refused_before_anything_is_sent(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self_signed(tmp_path))
        heard: list[object] = []

        def answer_once() -> None:
            with listener.accept()[0] as plain:
                try:
                    with context.wrap_socket(plain, server_side=True) as secured:
                        heard.append(secured.recv(100))
                except OSError as error:
                    heard.append(error)

        thread = threading.Thread(target=answer_once)
        thread.start()
        site = Site(address=f"https://127.0.0.1:{listener.getsockname()[1]}", allow_private=True)
        with Remote(site, budget=NoBudget(), auth=Bearer(CANARY), retry=QUICK, read_only=False) as remote:
            error = failing(lambda: remote.request("POST", "/x"))
        thread.join(5)
    assert (type(error), error.permanent) == (Unreachable, True)
    assert "certificate of 127.0.0.1 is not trusted" in error.sentence
    assert [type(one) for one in heard] == [ssl.SSLError]


def self_signed(folder: Path) -> Path:
    """Key and certificate for 127.0.0.1 in one file."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(1), now + timedelta(1))
    here = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    certificate = builder.add_extension(here, critical=False).sign(key, SHA256())
    file = folder / "site.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(private + certificate.public_bytes(Encoding.PEM))
    return file


@pytest.mark.parametrize(
    ("typed", "token", "has_note"),
    [
        (" user:1|abc \n", "user:1|abc", False),
        ("bearer user:1|abc", "user:1|abc", True),
        ("Bearer   user:1|abc", "user:1|abc", True),
        ("Authorization: bearer user:1|abc", "user:1|abc", True),
    ],
)
def test_a_pasted_token_is_cleaned(typed: str, token: str, has_note: bool) -> None:
    cleaned, note = clean_token(typed)
    assert cleaned == token
    assert bool(note) == has_note


@pytest.mark.parametrize(
    "typed", ["", "  ", "bearer ", "abc\ndef", "abc def", "abc\x00", "abc\u2026", "\u201cabc\u201d"]
)
def test_a_token_that_cannot_be_one_is_refused_without_repeating_it(typed: str) -> None:
    for build in (clean_token, Bearer):
        with pytest.raises(BadToken) as caught:
            build(typed)
        assert "abc" not in str(caught.value)


def leaks(error: BaseException, *secrets: str) -> list[str]:
    """What an error report could show: texts, attributes, and the local variables of all frames but those here."""
    places = []
    links: list[BaseException | None] = [error]
    while links:
        if (link := links.pop()) is not None:
            report = traceback.TracebackException.from_exception(link, capture_locals=True)
            frames = [repr(frame.locals) for frame in report.stack if frame.filename != __file__]
            places += [repr(link), str(link), repr(vars(link)), *frames]
            links += [link.__cause__, link.__context__]
    return [place for place in places for secret in secrets if secret in place]


@pytest.mark.parametrize("auth", [Bearer(CANARY), Basic("admin@acme.test", CANARY)], ids=["bearer", "basic"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_no_secret_is_in_any_error_repr_or_log(auth: Any, method: str, caplog: pytest.LogCaptureFixture) -> None:
    def echo(seen: Any) -> Reply:
        told = f"no sign-in with {seen.headers['authorization']} or {CANARY}"
        replies = {
            "/401": Reply(status=401, data={"message": told, "user:17%7Cc4n4ry-S3cr3t": told}),
            "/500": Reply(status=500, text=told),
            "/edge": Reply(status=400, text=f"{'x' * 283} {CANARY}"),
            "/html": Reply(text=f"<html>{told}"),
            "/cut": raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", told.encode()),
            "/gone": raw(),
            "/late": raw(b"HTTP/1.1 200 OK\r\n", every=0.5),
        }
        return replies[seen.path]

    caplog.set_level(logging.DEBUG)
    encoded = auth(_Blank()).headers["Authorization"].split()[1]
    with serving(echo) as server:
        site = Site(address=server.address, allow_private=True, deadline=0.3)
        with Remote(site, budget=NoBudget(), auth=auth, retry=Retry(tries=1), read_only=False) as remote:
            assert CANARY not in repr(remote) + repr(auth) + str(auth)
            for path in ("/401", "/500", "/edge", "/html", "/cut", "/gone", "/late"):
                error = failing(lambda path=path: remote.request(method, path, body={}))  # type: ignore[misc]
                assert leaks(error, CANARY, "c4n4ry", encoded) == []
    assert CANARY not in caplog.text
    assert encoded not in caplog.text
    assert "GET" in caplog.text or "POST" in caplog.text


class _Blank:
    def __init__(self) -> None:
        self.headers: dict[str, str] = {}
