"""Private network addresses, however they are spelled or reached, get neither into a form nor onto the wire."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from pytest_django import Settings

from alignadmin.http import NoBudget, Remote, Retry, Site
from alignadmin.http.connection import open_session
from alignadmin.http.errors import AddressRefused, RemoteError
from connectors.setup.forms import ConnectorForm

pytestmark = pytest.mark.usefixtures("network")

ONCE = Retry(tries=1)
PUBLIC, OTHER_PUBLIC = "93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"

# Hosts that say by themselves that they are private, or that may be read as such.
SPELLED = [
    "localhost",
    "LOCALHOST",
    "localhost.",
    "a.localhost",
    "localhost.localdomain",
    "ip6-localhost",
    "metadata.google.internal",
    "printer.local",
    "127.0.0.1",
    "127.0.0.1.",
    "127.1",
    "127.0.1",
    "0",
    "0.0.0.0",
    "2130706433",
    "3232235777",
    "4294967295",
    "017700000001",
    "0177.0.0.1",
    "0177.0.0.01",
    "0x7f000001",
    "0x7f.1",
    "0X7F.0.0.1",
    "0x7f.0x0.0x0.0x1",
    "127.0.0.0x1",
    "0x",
    "10.0.0.1",
    "010.0.0.1",
    "10.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "192.168.257",
    "169.254.169.254",
    "2852039166",
    "0xA9FEA9FE",
    "0251.0376.0251.0376",
    "100.64.0.1",
    "100.127.255.254",
    "192.0.0.8",
    "192.0.2.1",
    "192.88.99.1",
    "198.18.0.1",
    "198.51.100.7",
    "203.0.113.7",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "[::]",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[::127.0.0.1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::FFFF:10.0.0.1]",
    "[::ffff:a9fe:a9fe]",
    "[::ffff:0:127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b::169.254.169.254]",
    "[64:ff9b:1::a00:1]",
    "[2001:0:7f00:1::]",
    "[2001:20::1]",
    "[2001:db8::1]",
    "[2002:7f00:1::]",
    "[2002:a9fe:a9fe::1]",
    "[3fff::1]",
    "[5f00::1]",
    "[fe80::1]",
    "[fe80::1%25lo]",
    "[fe80::1%lo]",
    "[::1%1]",
    "[fc00::1]",
    "[fd00:ec2::254]",
    "[fec0::1]",
    "[ff02::1]",
    "[v1.127]",
    "127%2e0%2e0%2e1",
    "127.0.0.1%00.example.com",
    "\uff11\uff12\uff17.\uff10.\uff10.\uff11",
    "\u2460\u2461\u2466.\u24ea.\u24ea.\u2460",
    "127\u30020\u30020\u30021",
    "127\uff0e0\uff0e0\uff0e1",
    "127.0.0.\u00ad1",
    "\uff4c\uff4f\uff43\uff41\uff4c\uff48\uff4f\uff53\uff54",
]
# Addresses whose other parts hide or carry something.
WHOLE = [
    "https://acme.jiraalign.com@127.0.0.1",
    "https://acme.jiraalign.com:443@[::1]/",
    "https://user:secret@acme.jiraalign.com",
    "https://127.0.0.1\\@acme.jiraalign.com",
    "https://acme.jiraalign.com\\@127.0.0.1",
    "https://127.0.0.1\t.example.com",
    "https://acme.jiraalign.com\r\nHost: localhost",
    "https://127.0.0.1 .example.com",
    "https://\x00127.0.0.1",
    "https://",
    "https:///127.0.0.1",
    "https://:443",
    "https://[::1",
    "https://::1",
    "https://acme.jiraalign.com:0",
    "https://acme.jiraalign.com:99999",
    "http://127.0.0.1",
    "http://acme.jiraalign.com",
    "file:///etc/passwd",
    "gopher://127.0.0.1",
    "ftp://acme.jiraalign.com",
    "javascript://acme.jiraalign.com",
]
# What a name may lead to.
PRIVATE = [
    "0.0.0.0",
    "10.0.0.1",
    "100.64.0.1",
    "127.0.0.1",
    "127.9.9.9",
    "169.254.169.254",
    "172.16.0.1",
    "192.0.0.8",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "203.0.113.7",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:7f00:1",
    "64:ff9b::7f00:1",
    "64:ff9b:1::a00:1",
    "2001:0:7f00:1::",
    "2001:db8::1",
    "2002:7f00:1::",
    "3fff::1",
    "5f00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fec0::1",
    "ff02::1",
]


@dataclass
class Listener:
    """Listens on every address of this machine; the kernel keeps who connects until they are counted."""

    socket: socket.socket

    @property
    def port(self) -> int:
        port: int = self.socket.getsockname()[1]
        return port

    def connections(self) -> int:
        count = 0
        while True:
            try:
                self.socket.accept()[0].close()
            except BlockingIOError:
                return count
            count += 1


@pytest.fixture
def listener() -> Iterator[Listener]:
    both = socket.has_dualstack_ipv6()
    family = socket.AF_INET6 if both else socket.AF_INET
    with socket.create_server(("", 0), family=family, dualstack_ipv6=both) as listening:
        listening.setblocking(False)
        yield Listener(listening)


class NameService:
    """Each name's answers, one after the other, the last one for ever.

    A public address is asked for only by whoever is about to connect to it; that ends there, as without a network.
    """

    def __init__(self) -> None:
        self.answers: dict[str, list[list[str]]] = {}
        self.connecting_to: list[str] = []
        self._real = socket.getaddrinfo

    def getaddrinfo(self, host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
        if host in (PUBLIC, OTHER_PUBLIC):
            self.connecting_to.append(host)
            raise socket.gaierror(socket.EAI_NONAME, "no network here")
        if host not in self.answers:
            return self._real(host, port, *args, **kwargs)
        waiting = self.answers[host]
        found = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        return [(_family(address), socket.SOCK_STREAM, 6, "", (address, port, 0, 0)) for address in found]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> NameService:
    service = NameService()
    monkeypatch.setattr(socket, "getaddrinfo", service.getaddrinfo)
    return service


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ipaddress.ip_address(address).version == 6 else socket.AF_INET


@pytest.fixture
def nothing_allowed(settings: Settings) -> None:
    settings.ALLOWED_PRIVATE_HOSTS = []


def refused_by_form(address: str) -> dict[str, list[str]]:
    form = ConnectorForm({"align_site": address, "jira_site": address})
    form.full_clean()
    return {name: [str(error) for error in form.errors.get(name, [])] for name in ("align_site", "jira_site")}


def outcome(request: Callable[[], object]) -> RemoteError:
    with pytest.raises(RemoteError) as caught:
        request()
    return caught.value


# -- what is typed -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", SPELLED)
def test_the_form_refuses_a_private_host_however_it_is_spelled(nothing_allowed: None, host: str) -> None:
    for address in (f"https://{host}", f"https://{host}:8443/rest/"):
        assert all(refused_by_form(address).values()), address
        with pytest.raises(AddressRefused):
            Site(address=address)


@pytest.mark.parametrize("address", WHOLE)
def test_the_form_refuses_an_address_with_anything_hidden_in_it(nothing_allowed: None, address: str) -> None:
    errors = refused_by_form(address)
    assert all(errors.values()), errors
    assert "secret@" not in repr(errors)
    with pytest.raises(AddressRefused):
        Site(address=address)


@pytest.mark.parametrize(
    "address",
    [
        "https://acme.jiraalign.com",
        "https://ACME.atlassian.net:8443",
        "https://jira.münchen.example.com",
        "https://xn--mnchen-3ya.example.com",
        "https://localhost.example.com",
        "https://10.example.com",
        f"https://{PUBLIC}",
        f"https://[{OTHER_PUBLIC}]",
    ],
)
def test_the_form_takes_public_sites(nothing_allowed: None, address: str) -> None:
    assert not any(refused_by_form(address).values())
    assert Site(address=address).address == address


def test_the_operator_may_allow_a_private_host_and_only_that_one(settings: Settings) -> None:
    settings.ALLOWED_PRIVATE_HOSTS = ["jira.local", "10.0.0.5:8443"]
    assert not any(refused_by_form("https://jira.local").values())
    assert not any(refused_by_form("http://10.0.0.5:8443").values())
    for other in ("https://align.local", "https://10.0.0.5", "https://10.0.0.6:8443", "https://jira.local."):
        assert all(refused_by_form(other).values()), other


# -- what is connected to ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", SPELLED)
def test_nothing_is_sent_to_a_private_host_even_without_the_form(listener: Listener, host: str) -> None:
    session = open_session(allow_private=False, pool_size=1)
    # Also what the library itself or the name service refuses comes as one of these.
    with pytest.raises((requests.RequestException, OSError, UnicodeError)):
        session.post(f"https://{host}:{listener.port}/", data="x", timeout=0.5)
    assert listener.connections() == 0


def test_the_listener_counts_whoever_the_operator_lets_through(listener: Listener) -> None:
    for host in ("127.0.0.1", "localhost", "2130706433"):
        with pytest.raises((requests.RequestException, OSError)):
            requests.get(f"https://{host}:{listener.port}/", timeout=0.2)
    assert listener.connections() >= 3


def talk(name: str, port: int) -> RemoteError:
    with Remote(Site(address=f"https://{name}:{port}"), budget=NoBudget(), retry=ONCE, read_only=False) as remote:
        return outcome(lambda: remote.request("POST", "/x", body={}))


@pytest.mark.parametrize("address", PRIVATE)
def test_a_name_that_leads_to_a_private_address_is_refused(
    names: NameService, listener: Listener, address: str
) -> None:
    names.answers["site.example.com"] = [[address]]
    error = talk("site.example.com", listener.port)
    assert type(error) is AddressRefused
    assert "site.example.com leads to a private" in error.sentence
    assert listener.connections() == 0


@pytest.mark.parametrize("private", ["127.0.0.1", "::1", "169.254.169.254", "fd00:ec2::254"])
@pytest.mark.parametrize("public", [PUBLIC, OTHER_PUBLIC])
def test_a_name_with_a_private_address_among_public_ones_is_refused(
    names: NameService, listener: Listener, public: str, private: str
) -> None:
    for answer in ([public, private], [private, public]):
        names.answers["site.example.com"] = [answer]
        assert type(talk("site.example.com", listener.port)) is AddressRefused
    assert listener.connections() == 0
    assert names.connecting_to == []


@pytest.mark.parametrize("address", PRIVATE)
def test_a_name_that_leads_elsewhere_the_second_time_gets_nothing(
    names: NameService, listener: Listener, address: str
) -> None:
    names.answers["site.example.com"] = [[PUBLIC], [address]]
    assert type(talk("site.example.com", listener.port)) is AddressRefused
    assert listener.connections() == 0


def test_the_address_that_was_checked_is_the_one_connected_to(names: NameService, listener: Listener) -> None:
    names.answers["site.example.com"] = [[PUBLIC], [PUBLIC], ["127.0.0.1"]]
    assert type(talk("site.example.com", listener.port)) is not AddressRefused
    assert names.connecting_to == [PUBLIC]
    assert listener.connections() == 0
