"""Settings come from arguments, environment, genotel.toml and defaults, in this order; mistakes are named."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from genotel.errors import SettingsError
from genotel.settings import Settings, default_journal_path, load_settings, read_settings


def _config(folder: Path, text: str) -> Path:
    path = folder / "genotel.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_nothing_given_means_the_defaults() -> None:
    """The defaults are those of the dataclasses."""
    assert load_settings(environ={}) == Settings()
    assert load_settings() == Settings()


def test_an_argument_wins_over_the_environment_and_that_over_the_file(tmp_path: Path) -> None:
    """Precedence is arguments, environment, genotel.toml, defaults."""
    config = _config(tmp_path, '[page]\nport = 1\nhost = "file"\npage = false\n')
    environ = {"OTEL_EXPORTER_PROMETHEUS_PORT": "2", "OTEL_EXPORTER_PROMETHEUS_HOST": "environment"}
    page = load_settings({"port": 3}, environ=environ, config=config).page
    assert (page.port, page.host, page.page) == (3, "environment", False)


def test_an_argument_of_none_is_not_given() -> None:
    """``configure(port=None)`` asks the environment."""
    assert load_settings({"port": None}, environ={"OTEL_EXPORTER_PROMETHEUS_PORT": "2"}).page.port == 2


def test_an_empty_variable_is_not_set() -> None:
    """The OpenTelemetry specification says so."""
    assert load_settings(environ={"OTEL_EXPORTER_PROMETHEUS_PORT": ""}).page.port == 9464


def test_the_file_of_the_working_folder_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``genotel.toml`` beside the program needs no variable."""
    monkeypatch.chdir(tmp_path)
    _config(tmp_path, "[export]\nretention_days = 7\n")
    assert load_settings(environ={}).export.retention_days == 7


def test_the_variable_names_another_file(tmp_path: Path) -> None:
    """``GENOTEL_CONFIG`` points anywhere."""
    config = _config(tmp_path, "[advice]\nmin_success = 0.25\n")
    assert load_settings(environ={"GENOTEL_CONFIG": str(config)}).advice.min_success == 0.25


@pytest.mark.parametrize(
    ("given", "value"),
    [("true", True), ("1", True), ("YES", True), ("off", False), ("0", False), (True, True), (False, False)],
)
def test_booleans_are_read_as_people_write_them(given: object, value: bool) -> None:
    """Words and digits, in any case."""
    assert load_settings({"spans": given}, environ={}).sdk.spans is value


@pytest.mark.parametrize(
    ("given", "names"),
    [("a, b,,", ("a", "b")), (["a", " b"], ("a", "b")), (("a",), ("a",)), ("", ())],
)
def test_names_are_a_list_or_a_text_with_commas(given: object, names: tuple[str, ...]) -> None:
    """Spaces and empty parts do not count."""
    assert load_settings({"models": given}, environ={}).sdk.models == names


def test_no_collectors_has_a_word() -> None:
    """``none`` in the environment takes back what the file names."""
    assert load_settings({"collectors": "none"}, environ={}).collectors.collectors == ()
    assert load_settings({"collectors": "cpu,memory"}, environ={}).collectors.collectors == ("cpu", "memory")


def test_a_command_may_have_defaults_of_its_own(tmp_path: Path) -> None:
    """They come last: file, environment and arguments still win, and a word may mean nothing at all."""
    own = {"collectors": "all"}
    assert load_settings(defaults=own, environ={}).collectors.collectors == ("all",)
    assert load_settings(defaults=own, environ={"GENOTEL_COLLECTORS": "none"}).collectors.collectors == ()
    config = _config(tmp_path, '[collectors]\ncollectors = ["cpu"]\n')
    assert load_settings(defaults=own, environ={}, config=config).collectors.collectors == ("cpu",)
    assert load_settings({"collectors": "disk"}, defaults=own, environ={}).collectors.collectors == ("disk",)


@pytest.mark.parametrize("word", [True, "on", "true", "Default"])
def test_the_journal_has_a_default_path(word: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked for without a path it is kept in the state folder of the user."""
    monkeypatch.setenv("XDG_STATE_HOME", "/state")
    assert load_settings({"journal": word}, environ={}).journal.journal == Path("/state/genotel/journal.db")


@pytest.mark.parametrize("word", [False, "off", "none", "False"])
def test_the_journal_can_be_refused(word: object) -> None:
    """``off`` wins over what the file says."""
    assert load_settings({"journal": word}, environ={"GENOTEL_JOURNAL": "on"}).journal.journal is None


@pytest.mark.parametrize("path", ["/a/journal.db", Path("/a/journal.db")])
def test_the_journal_can_be_any_file(path: object) -> None:
    """A text or a path."""
    assert load_settings({"journal": path}, environ={}).journal.journal == Path("/a/journal.db")


def test_the_journal_s_tilde_is_the_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable is not expanded by a service manager, so we do it."""
    monkeypatch.setenv("HOME", "/home/ada")
    assert load_settings({"journal": "~/j.db"}, environ={}).journal.journal == Path("/home/ada/j.db")


def test_a_home_of_nobody_is_a_path_like_any_other() -> None:
    """It is refused, if at all, by whoever needs the folder."""
    assert load_settings({"spool": "~nobody-at-all/s"}, environ={}).spool.spool == Path("~nobody-at-all/s")


@pytest.mark.parametrize(
    ("value", "folder"),
    [("/run/genotel", Path("/run/genotel")), (Path("/a"), Path("/a")), ("off", None), ("None", None)],
)
def test_a_spool_is_a_folder_or_none(value: object, folder: Path | None) -> None:
    """There is no default: processes share it only if they are told the same one."""
    assert load_settings({"spool": value}, environ={"GENOTEL_SPOOL": "/else"}).spool.spool == folder
    assert load_settings(environ={"GENOTEL_SPOOL": "~/s"}).spool.spool == Path("~/s").expanduser()
    with pytest.raises(SettingsError, match="argument spool"):
        load_settings({"spool": 7}, environ={})


def test_without_a_state_folder_the_journal_is_below_the_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """The XDG base directory specification's default."""
    monkeypatch.setenv("HOME", "/home/ada")
    assert default_journal_path({}) == Path("/home/ada/.local/state/genotel/journal.db")


@pytest.mark.parametrize(
    ("argument", "value", "expected"),
    [
        ("port", 65536, "argument port is 65536: expected a whole number from 0 to 65535"),
        ("port", "x", "expected a whole number"),
        ("port", True, "expected a whole number"),
        ("port", 1.5, "expected a whole number"),
        ("host", "", "expected a text that is not empty"),
        ("host", 5, "expected a text that is not empty"),
        ("spans", "maybe", "expected true or false"),
        ("spans", 2, "expected true or false"),
        ("models", 5, "expected names, separated by commas"),
        ("models", [5], "expected names, separated by commas"),
        ("min_success", 1.5, "expected a number from 0 to 1"),
        ("min_success", "x", "expected a number from 0 to 1"),
        ("min_success", "nan", "expected a number from 0 to 1"),
        ("min_success", [], "expected a number from 0 to 1"),
        ("journal", 5, "expected a text that is not empty"),
        ("spool", "/run/\0", "expected a text without a NUL character"),
        ("model_folders", ["/data", "\0"], "expected a text without a NUL character"),
        ("colour", "red", "unknown argument colour"),
    ],
)
def test_a_wrong_value_is_refused_with_what_was_expected(argument: str, value: object, expected: str) -> None:
    """The message names the argument, what was given and what would do."""
    with pytest.raises(SettingsError) as caught:
        load_settings({argument: value}, environ={})
    assert expected in str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[page]\ncolour = 1\n", "unknown key page.colour"),
        ("[pages]\nport = 1\n", "unknown section [pages]"),
        ("page = 5\n", "[page] must be a table"),
        ("[page]\nport = 'x'\n", "page.port is 'x'"),
        ("[page\n", "not TOML"),
    ],
)
def test_a_wrong_file_is_refused_with_its_name(tmp_path: Path, text: str, expected: str) -> None:
    """File and key stand in the message."""
    config = _config(tmp_path, text)
    with pytest.raises(SettingsError) as caught:
        load_settings(environ={}, config=config)
    assert str(config) in str(caught.value)
    assert expected in str(caught.value)


def test_a_file_that_was_named_must_exist(tmp_path: Path) -> None:
    """A typing mistake in ``GENOTEL_CONFIG`` must not mean the defaults."""
    with pytest.raises(SettingsError, match=r"absent\.toml: no such file"):
        load_settings(environ={"GENOTEL_CONFIG": str(tmp_path / "absent.toml")})


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    """A folder, or bytes that are no text."""
    with pytest.raises(SettingsError, match=r"cannot be read \(IsADirectoryError\)"):
        load_settings(environ={}, config=tmp_path)
    broken = tmp_path / "broken.toml"
    broken.write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match=r"cannot be read \(UnicodeDecodeError\)"):
        load_settings(environ={}, config=broken)


def test_all_mistakes_are_named_at_once(tmp_path: Path) -> None:
    """Nobody wants to find them one by one."""
    config = _config(tmp_path, "[page]\ncolour = 1\n")
    with pytest.raises(SettingsError) as caught:
        load_settings({"port": -1}, environ={"GENOTEL_SPANS": "maybe"}, config=config)
    assert all(word in str(caught.value) for word in ("argument port", "variable GENOTEL_SPANS", "page.colour"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\n[page]\nprot = 1\n", ":3: unknown key page.prot; did you mean port?"),
        ("[spol]\n", ":1: unknown section [spol]; did you mean spool?"),
        ("[page]\nzzz = 1\n", ":2: unknown key page.zzz"),
        ("page = 5\n", ":1: [page] must be a table"),
        ("[gpu]\n[page]\n\nport = 'x'\n", ":4: page.port is 'x': expected a whole number from 0 to 65535"),
    ],
)
def test_a_mistake_names_its_line_and_what_was_meant(tmp_path: Path, text: str, expected: str) -> None:
    """A typing mistake is one keystroke away from what was meant."""
    config = _config(tmp_path, text)
    assert read_settings(environ={}, config=config).mistakes == (f"{config}{expected}",)


def test_an_unknown_argument_gets_a_hint_too() -> None:
    """``configure()`` has a signature; the exporter's words have none."""
    assert read_settings({"sool": "/run"}, environ={}).mistakes == ("unknown argument sool; did you mean spool?",)


def test_a_reading_says_where_each_value_is_from(tmp_path: Path) -> None:
    """Whoever finds a value wrong later can name its place; right values are kept beside wrong ones."""
    config = _config(tmp_path, '[page]\nport = 1\n[spool]\nspool = "/run"\n')
    environ = {"OTEL_EXPORTER_PROMETHEUS_HOST": "::1"}
    read = read_settings({"port": -1}, defaults={"collectors": "all"}, environ=environ, config=config)
    assert read.sources == {
        "port": "argument port",
        "host": "variable OTEL_EXPORTER_PROMETHEUS_HOST",
        "spool": f"{config}:4: spool.spool",
        "collectors": "default collectors",
    }
    assert (read.file, read.settings.page.port, read.settings.page.host) == (config, 9464, "::1")
    assert read_settings(environ={}).file is None


def test_the_error_has_its_mistakes_one_by_one() -> None:
    """A command prints them on lines of their own."""
    with pytest.raises(SettingsError) as caught:
        load_settings({"port": -1, "spans": "maybe"}, environ={})
    assert len(caught.value.mistakes) == 2


def test_no_two_sections_share_a_name() -> None:
    """An argument is the name of its field, so names must be unique over all sections."""
    names = [
        setting.name
        for section in dataclasses.fields(Settings)
        for setting in dataclasses.fields(type(section.default))
    ]
    assert len(set(names)) == len(names)


def test_no_section_is_too_large() -> None:
    """Past about ten settings a feature is two features."""
    for section in dataclasses.fields(Settings):
        assert len(dataclasses.fields(type(section.default))) <= 10


def test_names_of_models_are_a_table_of_texts(tmp_path: Path) -> None:
    """Patterns keep their order; anything else is refused."""
    config = _config(tmp_path, '[inventory]\nmodel_names = { "org/*-xl" = "sdxl", "*" = "{stem}" }\n')
    assert load_settings(environ={}, config=config).inventory.model_names == (("org/*-xl", "sdxl"), ("*", "{stem}"))
    with pytest.raises(SettingsError, match=r"argument model_names is 5: expected a table of texts"):
        load_settings({"model_names": 5}, environ={})
    with pytest.raises(SettingsError, match="expected a table of texts"):
        load_settings({"model_names": {"a": 1}}, environ={})


def test_folders_of_models_come_from_the_environment_too() -> None:
    """A container is told so."""
    inventory = load_settings(environ={"GENOTEL_MODEL_FOLDERS": "/data, nas=/mnt/nas"}).inventory
    assert inventory.model_folders == ("/data", "nas=/mnt/nas")


def test_the_number_of_gpus_comes_from_the_environment_too() -> None:
    """A lost card is missed even if it was never seen."""
    assert load_settings(environ={"GENOTEL_GPU_EXPECTED": "8"}).gpu.gpu_expected == 8
