"""Files and pastes that no log is, through the intake page: no error, and the lines that can be read are read."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from alignadmin.accounts.models import Person, Role
from connectors.models import HistoryRow, MirrorLine
from tests.conftest import SignIn
from tests.support import factories
from tests.support.intake_helpers import import_lines

pytestmark = pytest.mark.django_db
GOOD = "Story\tDana\t2026-11-20 14:02:03\tHello {}"
MEGABYTE = 1024 * 1024
FILES: dict[str, tuple[bytes, int]] = {
    "one line of nearly 10 MB": (b"x" * (10 * MEGABYTE - 100), 0),
    "a description of 9 MB": (GOOD.format("y" * (9 * MEGABYTE)).encode(), 0),
    "NUL in a line": (GOOD.format("a\0b").encode(), 1),
    "nothing but NUL": (b"\0" * 1000, 0),
    "UTF-16": (("\ufeff" + GOOD.format("ü")).encode("utf-16-le"), 1),
    "UTF-16 cut in a character": (("\ufeff" + GOOD.format("ü")).encode("utf-16-le")[:-1], 1),
    "UTF-16 without its mark": (GOOD.format("u").encode("utf-16-le"), 1),
    "a million columns": (b"," * 1_000_000, 0),
    "a million columns of a line": (b"a\t" * 1_000_000, 0),
    "a million empty lines": (b"\n" * 1_000_000 + GOOD.format("z").encode(), 1),
    "a quote that never ends": (b'Story,Dana,2026-11-20 14:02:03,"' + b"q\n" * 100_000, 0),
    "bytes of every value": (bytes(range(256)) * 100, 0),
    "lone halves of a pair": (b"\xff\xfe" + b"\x00\xd8" * 100, 0),
}


@pytest.fixture
def client(admin: Person, signed_in: SignIn) -> Client:
    factories.connector("http://127.0.0.1:9", actor=admin)
    made = signed_in(Role.ADMIN)
    made.raise_request_exception = False
    return made


@pytest.mark.parametrize(("data", "read"), FILES.values(), ids=FILES)
def test_a_file_that_is_no_log_is_a_sentence(client: Client, data: bytes, read: int) -> None:
    file: Any = SimpleUploadedFile("log.csv", data)
    answer = import_lines(client, file=file)
    assert answer.status_code in (200, 400), answer.status_code
    assert MirrorLine.objects.filter(type="Story").count() == read  # what is no line of four columns is kept raw
    assert client.get("/history/").status_code == 200


def test_a_line_of_megabytes_is_named_and_not_kept_and_the_others_are(client: Client) -> None:
    text = "\n".join([GOOD.format(1), GOOD.format("y" * (2 * MEGABYTE)), "x" * MEGABYTE, GOOD.format(2)])
    said = import_lines(client, text=text).content.decode()
    assert "4 lines read, 2 new" in said
    for number, length in ((2, "2,097,189"), (3, "1,048,576")):
        assert f"line {number}: it has {length} characters, more than the 65,536 that a line may have" in said.lower()
    assert list(MirrorLine.objects.order_by("pk").values_list("description", flat=True)) == ["Hello 1", "Hello 2"]


def test_a_quotation_mark_that_is_never_closed_is_given_as_the_reason(client: Client) -> None:
    text = 'Story,Dana,2026-11-20 14:02:03,"never closed\n' + "Story,Dana,2026-11-20 14:02:04,lost\n" * 3000
    said = import_lines(client, text=text).content.decode()
    assert "perhaps a quotation mark in it is never closed" in said
    assert not MirrorLine.objects.exists()


def test_lists_show_the_beginning_of_a_long_line_and_its_panel_the_whole(client: Client) -> None:
    """As long as a line may be, so often that a page of them would be megabytes."""
    lines = [GOOD.format(f"{number} {'y' * 60_000} the-end") for number in range(50)]
    for start in (0, 25):
        import_lines(client, text="\n".join(lines[start : start + 25]))
    for address in ("/history/", "/history/?as=align"):
        answer = client.get(address)
        assert "the-end" not in answer.content.decode(), address
        assert len(answer.content) < MEGABYTE / 4, address
    row = HistoryRow.objects.exclude(line=None).first()
    assert row is not None
    assert "the-end" in client.get(f"/history/{row.number}/").content.decode()


def test_a_paste_with_a_nul_is_refused_beside_the_field(client: Client) -> None:
    answer = import_lines(client, text=GOOD.format("a\0b"))
    assert answer.status_code == 400
    assert "Null characters are not allowed" in answer.content.decode()


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t=", "\r=", "＝"])
def test_no_page_offers_a_table_that_a_sheet_would_run(client: Client, begin: str) -> None:
    """Names that are formulas stand on the pages as text; a table leaves only in a pack, which guards its cells."""
    line = f"Story\t{begin}HYPERLINK(1)\t2026-11-20 14:02:03\t{begin.strip()}cmd|' /C calc'!A0"
    import_lines(client, text=line)
    answer = client.get("/history/?as=align")
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/html")
