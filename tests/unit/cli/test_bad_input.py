"""Whatever is wrong with what is read: one clear line on stderr and the right exit code, or an answer."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from genotel.cli.main import run
from tests.answering import Said, answering
from tests.histories import EPOCH

HEADER = "timestamp,model,status\n"
NOTHING = json.dumps({"status": "success", "data": {"resultType": "matrix", "result": []}}).encode()


def call(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Return the exit code of ``genotel recommend``."""
    monkeypatch.setattr(sys, "argv", ["genotel", "recommend", *arguments])
    with pytest.raises(SystemExit) as caught:
        run()
    return int(caught.value.code or 0)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty; expected the header timestamp,model"),
        (b"\x00\xff\xfe\x01", ":1: "),
        (HEADER.encode() + b"\xff\xfe,\x00", ":2: is not UTF-8 text"),
        (b"<html><body>Log in</body></html>\n", ":1: "),
        (b'{"timestamp": 1}\n', ":1: "),
        ((HEADER + "yesterday,sdxl,ok\n").encode(), ":2: timestamp is 'yesterday'"),
        ((HEADER + f"{EPOCH},sdxl,perhaps\n").encode(), ":2: status is 'perhaps'"),
        ((HEADER + "4102444800,sdxl,ok\n").encode(), ":2: timestamp lies in the future"),
        ((HEADER + f"{EPOCH},sdxl,ok,more,and,more\n").encode(), ":2: "),
        ((HEADER + f"{EPOCH}\n").encode(), ":2: "),
    ],
)
def test_a_file_that_cannot_be_read_is_one_line_and_exit_code_two(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], content: bytes, message: str
) -> None:
    """It names the file, the line and what was expected; nothing goes to stdout."""
    file = tmp_path / "events.csv"
    file.write_bytes(content)
    assert call(monkeypatch, "--events", str(file)) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert message in shown.err
    assert shown.err.startswith(f"genotel: {file}:")
    assert shown.err.count("\n") == 1


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param([f"{EPOCH + hour * 3600},sdxl,ok" for hour in (9, 3, 700, 2, 500, 1, 800)], id="clock jumps"),
        pytest.param([f"{EPOCH + 3600},sdxl,ok"] * 50, id="duplicates"),
        pytest.param([f"{EPOCH},sdxl,ok", f"{EPOCH + 90 * 86_400},other,ok"], id="a vanished model"),
        pytest.param([], id="no use at all"),
    ],
)
def test_odd_uses_are_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], rows: list[str]
) -> None:
    """Exit code 0, an answer on stdout and nothing on stderr."""
    file = tmp_path / "events.csv"
    file.write_text(HEADER + "\n".join(rows) + "\n")
    assert call(monkeypatch, "--events", str(file), "--format", "json") == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    assert json.loads(shown.out)["source"].endswith("events.csv")


def test_a_million_uses_of_one_model_are_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As one line of advice."""
    file = tmp_path / "events.csv"
    lines = "".join(f"{EPOCH + second // 4:.0f},sdxl,ok\n" for second in range(1_000_000))
    file.write_text(HEADER + lines)
    assert call(monkeypatch, "--events", str(file), "--kind", "priority", "--format", "json") == 0
    (entry,) = json.loads(capsys.readouterr().out)["recommendations"]
    assert entry["model"] == "sdxl"


def _said(status: int, body: bytes, kind: str = "application/json") -> Callable[..., Said]:
    return lambda *_: Said(status, body, {"Content-Type": kind})


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        pytest.param(_said(200, b"<html>Log in</html>", "text/html"), "a web page", id="HTML"),
        pytest.param(_said(404, b"404 page not found", "text/plain"), "check its path prefix", id="wrong path"),
        pytest.param(_said(401, b"no org id", "text/plain"), "give a user, a bearer token or a tenant", id="no tenant"),
        pytest.param(_said(403, b"forbidden", "text/plain"), "check user, token and tenant", id="refused"),
        pytest.param(_said(200, b'{"a": 1}'), "not an answer of Prometheus", id="other JSON"),
        pytest.param(_said(200, b'{"status":"succ'), "only half of it", id="half an answer"),
        pytest.param(_said(200, b""), "cannot be read", id="no body"),
        pytest.param(
            _said(400, b'{"status":"error","errorType":"bad_data","error":"unknown function"}'),
            "unknown function",
            id="an old server",
        ),
    ],
)
def test_a_server_that_is_none_is_one_line_and_exit_code_three(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], answer: Callable[..., Said], message: str
) -> None:
    """It names the address and what to do; nothing goes to stdout."""
    with answering(answer) as url:
        assert call(monkeypatch, "--prometheus", url) == 3
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith(f"genotel: {url}")
    assert message in shown.err
    assert shown.err.count("\n") == 1


def test_a_wrong_address_is_one_line_and_exit_code_three(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody listens there."""
    assert call(monkeypatch, "--prometheus", "http://127.0.0.1:9") == 3
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.count("\n") == 1
    assert shown.err.startswith("genotel: http://127.0.0.1:9")


def test_an_empty_server_is_answered(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """It holds no history, which is no fault; the report says what was read."""
    with answering(_said(200, NOTHING)) as url:
        assert call(monkeypatch, "--prometheus", url) == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    assert f"Prometheus {url}" in shown.out
    assert "no history" in shown.out.lower()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--source", "vlm"), "unknown source 'vlm'; the sources of usage are genotel, vllm, "),
        (("--source", "own"), "unknown source 'own'"),
        (("--days", "0"), "--days"),
    ],
)
def test_a_wrong_choice_is_one_line_and_exit_code_two(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], message: str
) -> None:
    """Before anybody is asked."""
    assert call(monkeypatch, "--prometheus", "http://127.0.0.1:9", *arguments) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert message in shown.err


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("requests = 'sum(rate(x[5m]))'", "[sources] requests: 'sum(rate(x[5m]))' is no metric such as"),
        ("requests = 'x{a=b}'", "[sources] requests: 'x{a=b}' is no metric"),
        ("requests = 'x'\nduration = '$window'", "[sources] duration: '$window' is no metric"),
    ],
)
def test_a_wrong_query_of_the_user_is_one_line(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    clean_environment: Path,
    line: str,
    message: str,
) -> None:
    """It names the key."""
    (clean_environment / "genotel.toml").write_text(f"[sources]\n{line}\n")
    assert call(monkeypatch, "--prometheus", "http://127.0.0.1:9") == 2
    shown = capsys.readouterr()
    assert message in shown.err
    assert shown.err.count("\n") == 1
