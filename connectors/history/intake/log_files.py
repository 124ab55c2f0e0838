"""An uploaded file to the text of a log: its charset, or a sheet of an Excel file. Anything else is refused whole.

Pure but for openpyxl. What a file says of its own size is looked at before it is unpacked.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import islice
from typing import TYPE_CHECKING

from alignadmin.errors import Refused
from connectors.align.audit_times import DayOrder, written_time
from connectors.history.intake.log_table import table_of

if TYPE_CHECKING:
    from openpyxl.workbook import Workbook

LARGEST = 10 * 1024 * 1024  # bytes of a file, and of the text in it
LARGEST_UNPACKED = 60 * 1024 * 1024  # of all that an Excel file holds
MOST_PARTS = 500
MOST_MARKS = 3_000_000  # elements and attributes of its XML: some forty for each line
MOST_ROWS = 100_000
MOST_COLUMNS = 40
MOST_SHEETS = 20
BEGINNING = 64 * 1024
FEW = 4  # such characters that may stand in a short text
# Of a text at most one character in a hundred is none that anybody types.
CONTROL = re.compile(r"[\x00-\x08\x0e-\x19\x1b-\x1f\x7f\ufffe\uffff]")
HOW = "Export the log as CSV or Excel (.xlsx), or copy its lines and paste them."
KNOWN_BEGINNINGS = (
    (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        "an Office file of the old kind (.xls), or one with a password",
    ),
    (b"%PDF", "a PDF"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"\x1f\x8b", "a compressed file"),
    (b"7z\xbc\xaf\x27\x1c", "a compressed file"),
    (b"BZh", "a compressed file"),
    (b"\xfd7zXZ", "a compressed file"),
    (b"SQLite format 3", "a database"),
    (b"\x7fELF", "a program"),
    (b"MZ\x90", "a program"),
    (b"PAR1", "a Parquet file"),
    (b"{\\rtf", "an RTF document"),
)
ZIP = b"PK\x03\x04"
EMPTY_ZIP = b"PK\x05\x06"


@dataclass(frozen=True, kw_only=True)
class FileText:
    """The text of a file, and in which charset, or of which sheet: for people."""

    text: str
    kind: str


def text_of(data: bytes) -> FileText:
    """Raises Refused, with one sentence for people, for what no text and no sheet is."""
    if data.startswith((ZIP, EMPTY_ZIP)):
        return _sheet_text(data)
    for beginning, what in KNOWN_BEGINNINGS:
        if data.startswith(beginning):
            raise Refused(f"This file is {what}, so nothing of it was imported. {HOW}")
    found = _decoded(data)
    some = found.text[:BEGINNING]
    if len(CONTROL.findall(some)) > max(FEW, len(some) // 100):
        raise Refused(f"This file is no text and no Excel file, so nothing of it was imported. {HOW}")
    return found


def _decoded(data: bytes) -> FileText:
    """UTF-8, UTF-16 and UTF-32 by their marks or by their zeros, else Windows' Latin."""
    if data.startswith((b"\xff\xfe\0\0", b"\0\0\xfe\xff")):
        return FileText(text=data.decode("utf-32", "replace"), kind="UTF-32")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return FileText(text=data.decode("utf-16", "replace"), kind="UTF-16")
    if charset := _without_mark(data[:BEGINNING]):
        return FileText(text=data.decode(charset, "replace"), kind="UTF-16 without its mark")
    try:
        return FileText(text=data.decode("utf-8-sig"), kind="UTF-8")
    except UnicodeDecodeError:
        return FileText(text=data.decode("cp1252", "replace"), kind="Windows-1252")


def _without_mark(beginning: bytes) -> str:
    """In UTF-16, nearly every second byte of such a log is zero, and hardly one of the others."""
    even, odd = beginning[::2].count(0), beginning[1::2].count(0)
    half = len(beginning) // 2
    if half < 4:
        return ""
    if odd > 0.7 * half and even < 0.05 * half:
        return "utf-16-le"
    return "utf-16-be" if even > 0.7 * half and odd < 0.05 * half else ""


# -- Excel ------------------------------------------------------------------------------------------------------------


def _sheet_text(data: bytes) -> FileText:
    try:
        return _read_workbook(_checked_parts(data))
    except Refused:
        raise
    except Exception as error:
        raise Refused(
            "This file looks like an Excel file and cannot be read as one: it is damaged, cut off or has a password. "
            "Nothing of it was imported. Open it in Excel, save it again as .xlsx or CSV, and choose that file."
        ) from error


def _checked_parts(data: bytes) -> io.BytesIO:
    """The file's XML alone, in a file of its own, once it is known to be of a bearable size and kind.

    What a part says of its size is as much as is ever read of it. A sheet that stands in a part of another name is not
    found any more.
    """
    checked = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as file, zipfile.ZipFile(checked, "w") as kept:
        parts = file.infolist()
        names = {part.filename for part in parts}
        if "[Content_Types].xml" not in names or not any(name.startswith("xl/") for name in names):
            raise Refused(f"This file is a zip file and no Excel file (.xlsx), so nothing of it was imported. {HOW}")
        if len(parts) > MOST_PARTS or sum(part.file_size for part in parts) > LARGEST_UNPACKED:
            raise Refused(_too_much(f"unpacks to more than {LARGEST_UNPACKED // 2**20} MB or {MOST_PARTS} parts"))
        marks = 0
        for part in parts:
            if part.filename.endswith((".xml", ".rels")):
                content = file.read(part)
                marks += _marks_in(content)
                if marks > MOST_MARKS:
                    raise Refused(_too_much("has more cells than a log needs"))
                kept.writestr(part.filename, content)
    return checked


def _marks_in(content: bytes) -> int:
    """Elements and attributes, each of which costs a hundred times its bytes once it is parsed.

    No document types, which may name themselves forever. As bytes: a part in a charset in which they do not stand so
    has zeros, which Excel's XML has none of.
    """
    if b"<!DOCTYPE" in content or b"<!ENTITY" in content or b"\0" in content:
        raise Refused(f"This Excel file holds XML that Excel never writes, so nothing was imported. {HOW}")
    return content.count(b"<") + content.count(b"=")


def _too_much(what: str) -> str:
    return (
        f"This Excel file {what}, so nothing of it was imported. Copy the sheet with the log into a new file, and "
        "choose that one; or import it in parts, which may overlap."
    )


def _read_workbook(data: io.BytesIO) -> FileText:
    """The first sheet in which a line of a log is found, else the first."""
    from openpyxl import load_workbook  # an eighth of the time every process takes to start, for what few of them read

    book = load_workbook(data, read_only=True, data_only=True, keep_links=False)
    try:
        names = _sheet_names(book)
        if not names:
            raise Refused(f"This Excel file has no sheet with cells, so nothing was imported. {HOW}")
        chosen = next((name for name in names if _is_log(islice(_rows(book, name), 20))), names[0])
        return FileText(text=_as_text(_rows(book, chosen)), kind=f"the sheet “{chosen}” of an Excel file")
    finally:
        book.close()


def _sheet_names(book: Workbook) -> list[str]:
    return [sheet.title for sheet in book.worksheets if hasattr(sheet, "iter_rows")][:MOST_SHEETS]


def _rows(book: Workbook, name: str) -> Iterator[list[str]]:
    """Each row, the empty ones too, so that numbers are those that Excel shows."""
    sheet = book[name]
    if hasattr(sheet, "reset_dimensions"):
        sheet.reset_dimensions()  # what the file says of itself may be wrong
    for row in sheet.iter_rows(max_row=MOST_ROWS + 1, max_col=MOST_COLUMNS, values_only=True):
        yield [_cell_text(value) for value in row]


def _is_log(rows: Iterable[list[str]]) -> bool:
    table = table_of(_as_text(rows))
    return bool(table.columns.headings) or any(
        any(written_time(cell, order) for order in DayOrder for cell in record.cells) for record in table.records
    )


def _as_text(rows: Iterable[list[str]]) -> str:
    """Tab-separated, a row a line, each as wide as the widest."""
    found: list[list[str]] = []
    width = letters = 0
    for row in rows:
        while row and not row[-1]:
            row.pop()
        found.append(row)
        width, letters = max(width, len(row)), letters + sum(map(len, row))
        if len(found) > MOST_ROWS or letters > LARGEST:
            raise Refused(
                f"This sheet has more than {MOST_ROWS:,} rows or 10 MB of text, so nothing of it was imported. Import "
                "it in parts; they may overlap."
            )
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter="\t", lineterminator="\n")
    for row in found:
        writer.writerow(row + [""] * (width - len(row)) if row else [])
    return text.getvalue()


def _cell_text(value: object) -> str:
    """Times to the second, which Excel keeps as fractions of a day; whole numbers without a point."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        try:
            return f"{(value + timedelta(microseconds=500_000)).replace(microsecond=0, tzinfo=None):%Y-%m-%d %H:%M:%S}"
        except OverflowError:
            return str(value)
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return " ".join(str(value).splitlines())
