"""Event lists are read whole, or refused in one line that names what is wrong and where."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from genotel.errors import InputError
from genotel.history import event_file
from genotel.history.event_file import EventColumns, read_events

NOW = 1_800_000_000.0
FULL = "timestamp,model,status,duration_seconds,load_seconds,size_bytes\n"


def read(path: Path, content: str | bytes) -> EventColumns:
    """Return what a file with this content holds."""
    file = path / "events.csv"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_events(file, latest_seconds=NOW)


def refusal(path: Path, content: str | bytes) -> str:
    """Return the text of the refusal, without the folder of the file."""
    with pytest.raises(InputError) as caught:
        read(path, content)
    return str(caught.value).replace(f"{path}/", "")


def test_every_column_is_read(tmp_path: Path) -> None:
    """What is not given is NaN, an outcome that is not known is neither."""
    events = read(tmp_path, FULL + "1700000000,sdxl,ok,2.5,20,7e9\n1700000060.5,flux,error,,,\n1700000061,flux,,,,\n")
    assert events.model == ["sdxl", "flux", "flux"]
    assert events.time.tolist() == [1_700_000_000.0, 1_700_000_060.5, 1_700_000_061.0]
    assert events.succeeded.tolist() == [True, False, False]
    assert events.failed.tolist() == [False, True, False]
    np.testing.assert_array_equal(events.duration_seconds, [2.5, np.nan, np.nan])
    np.testing.assert_array_equal(events.load_seconds, [20.0, np.nan, np.nan])
    np.testing.assert_array_equal(events.size_bytes, [7e9, np.nan, np.nan])


@pytest.mark.parametrize(
    "stamp",
    [
        "2023-11-14T22:13:20Z",
        "2023-11-14t22:13:20z",
        "2023-11-14 23:13:20+01:00",
        "2023-11-14T22:13:20.000Z",
        " 1.7e9 ",
    ],
)
def test_every_way_to_write_a_time_is_read(tmp_path: Path, stamp: str) -> None:
    """RFC 3339 with any offset, or seconds, also in one file."""
    events = read(tmp_path, f"timestamp,model\n{stamp},sdxl\n1700000000,sdxl\n")
    assert events.time.tolist() == [1_700_000_000.0, 1_700_000_000.0]


def test_columns_may_come_in_any_order_with_blanks_and_a_byte_order_mark(tmp_path: Path) -> None:
    """What spreadsheets write is read: BOM, CRLF, blank lines, quotes, spaces in the header."""
    content = '\ufeffModel, timestamp\r\n"a, ""b""",1700000000\r\n\r\n sdxl ,1700000001\r\n\r\n'
    events = read(tmp_path, content)
    assert events.model == ['a, "b"', "sdxl"]
    assert events.time.tolist() == [1_700_000_000.0, 1_700_000_001.0]


def test_a_header_alone_is_an_empty_list(tmp_path: Path) -> None:
    """No use so far is not a mistake."""
    assert read(tmp_path, FULL).model == []
    assert read(tmp_path, "timestamp,model").time.shape == (0,)


def test_many_chunks_are_joined_and_lines_still_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a chunk ends is nowhere seen, not even in the line of a mistake."""
    monkeypatch.setattr(event_file, "_CHUNK_ROWS", 3)
    lines = [f"{1_700_000_000 + step},m{step % 2}\n" for step in range(10)]
    assert read(tmp_path, "timestamp,model\n" + "".join(lines)).time.tolist() == [1.7e9 + step for step in range(10)]
    lines[7] = "soon,m\n"
    assert refusal(tmp_path, "timestamp,model\n\n" + "".join(lines)).startswith("events.csv:10: timestamp is 'soon'")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "events.csv:1: the file is empty; expected the header timestamp,model[,status"),
        ("1700000000,sdxl\n", "events.csv:1: unknown column '1700000000'; expected the header"),
        ("timestamp,status\n", "events.csv:1: no column model; expected the header"),
        ("timestamp,model,model\n", "events.csv:1: a column twice; expected the header"),
        ("timestamp,model\n1,a,b\n", "events.csv:2: 3 fields, expected the 2 of the header"),
        ("timestamp,model\n1,a\n2\n", "events.csv:3: 1 fields, expected the 2 of the header"),
        (
            "timestamp,model\n2026-01-01,a\n",
            "events.csv:2: timestamp is '2026-01-01', expected Unix seconds or RFC 3339",
        ),
        ("timestamp,model\n2026-13-01T00:00:00Z,a\n", "events.csv:2: timestamp is '2026-13-01T00:00:00Z', expected"),
        ("timestamp,model\n2026-01-01T00:00:00,a\n", "events.csv:2: timestamp is '2026-01-01T00:00:00', expected"),
        (
            "timestamp,model\n1700000000000,a\n",
            "events.csv:2: timestamp is '1700000000000', expected seconds (not milli",
        ),
        ("timestamp,model\n-1,a\n", "events.csv:2: timestamp is '-1', expected seconds"),
        ("timestamp,model\nnan,a\n", "events.csv:2: timestamp is 'nan', expected seconds"),
        ("timestamp,model\n1,\n", "events.csv:2: model is '', expected a name"),
        ("timestamp,model\n1,a\x1b[31m\n", "events.csv:2: model is 'a\\x1b[31m', expected a name"),
        ("timestamp,model\n1900000000,a\n", "events.csv:2: timestamp lies in the future"),
        (FULL + "1,a,maybe,,,\n", "events.csv:2: status is 'maybe', expected ok, error or unknown"),
        (FULL + "1,a,ok,fast,,\n", "events.csv:2: duration_seconds is 'fast', expected a number or nothing"),
        (FULL + "1,a,ok,,-2,\n", "events.csv:2: load_seconds is '-2', expected a number from 0"),
        (FULL + "1,a,ok,,,inf\n", "events.csv:2: size_bytes is 'inf', expected a number from 0"),
        ('timestamp,model\n1,"a\n', "events.csv:2: not CSV (unexpected end of data)"),
        ('timestamp,model\n1,"a"b\n', "events.csv:2: not CSV ("),
        ('timestamp,model\n1,"a\nb"\nx,c\n', "events.csv:2: model is 'a\\nb', expected a name"),
        ('timestamp,model,status\n1,a,"\n"\nx,c,\n', "events.csv:4: timestamp is 'x', expected"),
        (b"timestamp,model\n1,a\n2,\xff\n", "events.csv:3: is not UTF-8 text"),
        ("timestamp,model\n" + "9" * 200 + ",a\n", "events.csv:2: timestamp is '" + "9" * 40 + "\\u2026', expected"),
    ],
)
def test_a_wrong_file_is_refused_in_one_line(tmp_path: Path, content: str | bytes, message: str) -> None:
    """The first mistake is named with its file, its line, its column and what was expected."""
    text = refusal(tmp_path, content)
    assert text.startswith(message)
    assert "\n" not in text


def test_a_file_that_is_not_there_or_not_a_file_is_refused(tmp_path: Path) -> None:
    """The message names the file and the system's reason."""
    with pytest.raises(InputError, match=r"absent\.csv: cannot be read \(No such file or directory\)"):
        read_events(tmp_path / "absent.csv", latest_seconds=NOW)
    with pytest.raises(InputError, match="Is a directory"):
        read_events(tmp_path, latest_seconds=NOW)


PIECES = st.sampled_from(
    [
        "timestamp",
        "model",
        "status",
        ",",
        "\n",
        "\r\n",
        '"',
        "1700000000",
        "2026-01-01T00:00:00Z",
        "ok",
        "\x00",
        "\ufeff",
        "-",
        "1e400",
    ]
)


@example(pieces=["timestamp,model\n", "\r", "\n"])
@example(pieces=["timestamp,model\n1,a\r2,b"])
@given(pieces=st.lists(PIECES | st.text(max_size=5), max_size=30))
def test_any_text_is_read_or_refused_in_one_line(tmp_path_factory: pytest.TempPathFactory, pieces: list[str]) -> None:
    """No text at all leads to another exception than ours, or to a message of two lines."""
    folder = tmp_path_factory.mktemp("fuzz")
    for header in ("", FULL):
        try:
            events = read(folder, (header + "".join(pieces)).encode("utf-8", "surrogatepass"))
        except InputError as error:
            lines = str(error).splitlines()
        else:
            lines = ["read"]
            assert len(events.model) == len(events.time)
        assert len(lines) == 1


@given(content=st.binary(max_size=200))
def test_any_bytes_are_read_or_refused_in_one_line(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    """A picture or an archive is refused like a text with a mistake."""
    folder = tmp_path_factory.mktemp("fuzz")
    for header in (b"", FULL.encode()):
        lines = ["read"]
        try:
            read(folder, header + content)
        except InputError as error:
            lines = str(error).splitlines()
        assert len(lines) == 1
