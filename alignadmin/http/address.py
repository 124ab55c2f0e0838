"""Addresses as people paste them: trimmed to the site, and refused when they could not be safe."""

import re
from collections.abc import Sequence
from urllib.parse import SplitResult, urlsplit

from alignadmin.http.errors import AddressRefused
from alignadmin.http.hosts import check_public, check_spelling

_SCHEME = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]*://")


def split_address(address: str) -> SplitResult:
    """The parts of an http(s) address. Raises AddressRefused, which never repeats user info: it may be a secret."""
    try:
        parts = urlsplit(address)
        port_is_valid = parts.port is None or parts.port > 0
    except ValueError:
        raise AddressRefused("This is not a web address. Enter it like https://acme.jiraalign.com.") from None
    if "@" in parts.netloc:
        raise AddressRefused(
            "The address contains a user name or password. Enter the site alone; secrets have own fields."
        )
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_is_valid:
        raise AddressRefused("This is not a web address. Enter it like https://acme.jiraalign.com.")
    if re.search(r"[\s\\\x00-\x1f\x7f]", address):
        raise AddressRefused("The address contains spaces or characters that no address has. Paste it again.")
    check_spelling(parts.hostname)
    return parts


def check_address(address: str, *, allow_private: bool) -> None:
    """Refuses what must never be stored as the base address of a site. `allow_private` also allows plain http."""
    parts = split_address(address)
    if parts.query or parts.fragment:
        raise AddressRefused("The address has a query or a fragment. Enter the site alone.")
    if allow_private:
        return
    if parts.scheme != "https":
        raise AddressRefused("The address must start with https://, so that the token cannot be read on the way.")
    check_public(parts.hostname or "")


def origin_of(address: str) -> str:
    """Host, with the port where it is not the usual one: what a rate limit is counted for."""
    parts = split_address(address)
    usual = {"http": 80, "https": 443}[parts.scheme]
    host = (parts.hostname or "").lower()
    return host if parts.port in (None, usual) else f"{host}:{parts.port}"


def trim_address(address: str, *, path_ends_at: Sequence[str] = ()) -> tuple[str, str | None]:
    """The site of a pasted address, and a note for people when something was dropped or added.

    A path is kept up to the first of `path_ends_at`; without any, it is dropped.
    """
    typed = address.strip()
    added_scheme = not _SCHEME.match(typed)
    parts = split_address(f"https://{typed}" if added_scheme else typed)
    path = _kept_path(parts.path, path_ends_at)
    site = f"{parts.scheme}://{parts.netloc.lower()}{path}"
    dropped = parts.path[len(path) :].strip("/") or parts.query or parts.fragment
    if dropped:
        return site, f"Only the site is needed: the address was shortened to {site}."
    return site, f"https:// was added: {site}." if added_scheme else None


def _kept_path(path: str, path_ends_at: Sequence[str]) -> str:
    if not path_ends_at:
        return ""
    found = [at for piece in path_ends_at if (at := f"{path}/".lower().find(piece)) >= 0]
    return path[: min(found, default=len(path))].rstrip("/")
