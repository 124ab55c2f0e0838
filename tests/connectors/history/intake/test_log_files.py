"""Uploaded files: charsets, Excel sheets within bounds, and anything else refused whole in one sentence."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook

from alignadmin.errors import Refused
from connectors.history.intake import log_files
from connectors.history.intake.log_files import text_of

LINE = "CONFIG 123\tJürgen\t2026-11-20 14:02:03\tCONFIG Updated → ü"
ROWS: list[list[object]] = [
    ["Type", "User", "Timestamp (UTC)", "Description"],
    ["CONFIG 123", "Jira Align System", datetime(2026, 11, 20, 14, 2, 3, tzinfo=UTC).replace(tzinfo=None), "one"],
    [],
    ["CONFIG 123", "Jira Align System", "20-Nov-2026 14:02:09", "two\nlines, and\ttab"],
]


def workbook(*sheets: Sequence[Sequence[object]]) -> bytes:
    book = Workbook(write_only=True)
    for number, rows in enumerate(sheets, start=1):
        sheet = book.create_sheet(f"Sheet {number}")
        for row in rows:
            sheet.append(row)
    data = io.BytesIO()
    book.save(data)
    return data.getvalue()


def zipped(parts: dict[str, bytes]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in parts.items():
            file.writestr(name, content)
    return data.getvalue()


def with_part(book: bytes, name: str, content: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(book)) as file:
        parts = {each: file.read(each) for each in file.namelist()}
    return zipped(parts | {name: content})


@pytest.mark.parametrize(
    ("encoding", "kind"),
    [
        ("utf-8", "UTF-8"),
        ("utf-8-sig", "UTF-8"),
        ("utf-16", "UTF-16"),
        ("utf-16-le", "UTF-16 without its mark"),
        ("utf-16-be", "UTF-16 without its mark"),
        ("utf-32", "UTF-32"),
    ],
)
def test_a_text_is_read_in_its_charset_which_is_told(encoding: str, kind: str) -> None:
    found = text_of((f"{LINE}\n" * 3).encode(encoding))
    assert (found.text, found.kind) == (f"{LINE}\n" * 3, kind)


def test_what_is_no_unicode_is_read_as_windows_writes_it() -> None:
    found = text_of(LINE.replace("→", "€").encode("cp1252"))
    assert (found.text, found.kind) == (LINE.replace("→", "€"), "Windows-1252")


def test_a_sheet_becomes_lines_with_the_numbers_that_excel_shows() -> None:
    found = text_of(workbook(ROWS))
    assert found.kind == "the sheet “Sheet 1” of an Excel file"
    assert found.text.split("\n") == [
        "Type\tUser\tTimestamp (UTC)\tDescription",
        "CONFIG 123\tJira Align System\t2026-11-20 14:02:03\tone",
        "",
        'CONFIG 123\tJira Align System\t20-Nov-2026 14:02:09\t"two lines, and\ttab"',
        "",
    ]


def test_of_several_sheets_the_one_with_a_log_is_read() -> None:
    found = text_of(workbook([["Notes"], ["nothing here"]], [["x", 1.0, 2.5]], ROWS))
    assert found.kind == "the sheet “Sheet 3” of an Excel file"
    assert text_of(workbook([["Notes", 3.0]])).text == "Notes\t3\n"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "an Office file of the old kind"),
        (b"%PDF-1.7\n" + b"text\n" * 50, "a PDF"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 50, "a picture"),
        (b"\x1f\x8b\x08\0" + b"x" * 50, "a compressed file"),
        (zipped({"log.csv": LINE.encode()}), "a zip file and no Excel file"),
        (zipped({"[Content_Types].xml": b"<x/>", "word/document.xml": b"<x/>"}), "a zip file and no Excel file"),
        (zipped({"[Content_Types].xml": b"<x/>", "xl/workbook.xml": b"<x/>"}), "cannot be read as one"),
        (workbook(ROWS)[:-200], "cannot be read as one"),
        (workbook(ROWS)[:40], "cannot be read as one"),
        (b"PK\x03\x04", "cannot be read as one"),
        (bytes(range(256)) * 10, "no text and no Excel file"),
        (b"\0" * 1000, "no text and no Excel file"),
        (b"\xff\xfe" + b"\x01\x00" * 100, "no text and no Excel file"),
    ],
    # By their place: a workbook holds the time at which it was made, and each process that collects makes its own.
    ids=lambda value: None if isinstance(value, str) else "data",
)
def test_what_is_no_text_and_no_sheet_is_refused_whole_in_one_sentence(data: bytes, said: str) -> None:
    with pytest.raises(Refused, match=said) as refused:
        text_of(data)
    assert "imported" in str(refused.value)


@pytest.mark.usefixtures("sources")
def test_a_file_that_unpacks_to_much_more_than_it_is_is_not_unpacked() -> None:
    bomb = with_part(workbook(ROWS), "xl/media/zeros.bin", b"\0" * (log_files.LARGEST_UNPACKED + 1))
    assert len(bomb) < 200_000
    with pytest.raises(Refused, match="unpacks to more than 60 MB or 500 parts"):
        text_of(bomb)
    many = zipped({"[Content_Types].xml": b"", "xl/a": b"", **{f"xl/{number}": b"" for number in range(500)}})
    with pytest.raises(Refused, match="unpacks to more than"):
        text_of(many)


@pytest.mark.usefixtures("sources")
def test_a_small_file_with_millions_of_cells_is_not_parsed() -> None:
    with zipfile.ZipFile(io.BytesIO(BOOK)) as file:
        sheet = file.read("xl/worksheets/sheet1.xml")
    row, attributes = b"<row>" + b"<c><v>1</v></c>" * 800_000 + b"</row>", b' a="1"' * 3_100_000
    for body in (row, b"<row" + attributes + b"/>"):
        bomb = with_part(BOOK, "xl/worksheets/sheet1.xml", sheet.replace(b"<sheetData>", b"<sheetData>" + body))
        assert len(bomb) < 200_000
        with pytest.raises(Refused, match="has more cells than a log needs"):
            text_of(bomb)


def test_a_sheet_that_hides_in_a_part_of_another_name_is_not_found() -> None:
    with zipfile.ZipFile(io.BytesIO(BOOK)) as file:
        parts = {each: file.read(each) for each in file.namelist()}
    parts["xl/worksheets/sheet1.png"] = parts.pop("xl/worksheets/sheet1.xml")
    parts = {name: content.replace(b"sheet1.xml", b"sheet1.png") for name, content in parts.items()}
    with pytest.raises(Refused, match=r"no sheet with cells|cannot be read as one"):
        text_of(zipped(parts))


def test_xml_that_names_itself_forever_is_not_read() -> None:
    for content in (b'<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>', "<!DOCTYPE x><x/>".encode("utf-16")):
        with pytest.raises(Refused, match="XML that Excel never writes"):
            text_of(with_part(workbook(ROWS), "xl/sharedStrings.xml", content))


def test_a_sheet_of_too_many_rows_or_letters_is_refused_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_files, "MOST_ROWS", 3)
    text_of(workbook(ROWS[:3]))
    with pytest.raises(Refused, match="more than 3 rows or 10 MB"):
        text_of(workbook(ROWS))
    monkeypatch.setattr(log_files, "MOST_ROWS", 100)
    monkeypatch.setattr(log_files, "LARGEST", 50)
    with pytest.raises(Refused, match="rows or 10 MB"):
        text_of(workbook(ROWS))


@given(st.binary(max_size=400), st.integers(0, 3000))
def test_no_bytes_are_an_error(noise: bytes, place: int) -> None:
    for data in (noise, b"PK\x03\x04" + noise, BOOK[:place] + noise + BOOK[place + len(noise) :]):
        try:
            text_of(data)
        except Refused:
            continue


BOOK = workbook(ROWS)
