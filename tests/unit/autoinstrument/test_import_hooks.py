"""Being told of imports, without importing."""

from __future__ import annotations

import importlib
import sys
import zipfile

import pytest

from genotel import guard
from genotel.autoinstrument.import_hooks import _FINDER, forget, when_imported


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Return the name of a package of two modules that can be imported."""
    folder = tmp_path / "hooked_package"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "first.py").write_text("A = 1\n")
    (folder / "broken.py").write_text("raise ValueError('the module')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield "hooked_package"
    for name in [*sys.modules]:
        if name.startswith("hooked_package"):
            del sys.modules[name]


@pytest.fixture
def told():
    """Return what a hook was told of."""
    return []


@pytest.fixture
def hook(told):
    """Return a hook that asks what the module has by now; it is taken away after the test."""

    def imported(module):
        told.append((module.__name__, getattr(module, "A", None)))

    yield imported
    for pattern in ("hooked_package.first", "hooked_package.*"):
        forget(pattern, imported)


def test_a_module_is_told_of_once_it_has_run(package, hook, told):
    """Its loader, spec and content are what they are without us."""
    when_imported("hooked_package.first", hook)
    assert told == []
    module = importlib.import_module("hooked_package.first")
    assert told == [("hooked_package.first", 1)]
    assert type(module.__loader__).__name__ == "SourceFileLoader"
    assert "exec_module" not in vars(module.__loader__)
    assert module.__spec__.loader is module.__loader__


def test_a_module_that_is_there_is_told_of_at_once(package, hook, told):
    """And again when it is loaded anew."""
    module = importlib.import_module("hooked_package.first")
    when_imported("hooked_package.*", hook)
    assert told == [("hooked_package.first", 1)]
    importlib.reload(module)
    assert told == [("hooked_package.first", 1)] * 2


def test_the_last_hook_takes_the_finder_away(package, hook, told):
    """Nothing of ours is left in the way of imports."""
    before = [*sys.meta_path]
    when_imported("hooked_package.first", hook)
    when_imported("hooked_package.*", hook)
    assert _FINDER in sys.meta_path
    forget("hooked_package.first", hook)
    assert _FINDER in sys.meta_path
    forget("hooked_package.*", hook)
    assert sys.meta_path == before
    importlib.import_module("hooked_package.first")
    assert told == []


def test_errors_of_imports_are_as_they_were(package, hook, told):
    """A module that fails, and one that is not there."""
    when_imported("hooked_package.*", hook)
    with pytest.raises(ValueError, match="the module"):
        importlib.import_module("hooked_package.broken")
    with pytest.raises(ModuleNotFoundError, match=r"hooked_package\.missing"):
        importlib.import_module("hooked_package.missing")
    assert told == []


def test_a_loader_that_is_shared_is_told_apart(tmp_path, monkeypatch, hook, told):
    """All modules of an archive have one loader."""
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("hooked_package/__init__.py", "")
        archive.writestr("hooked_package/first.py", "import hooked_package.second\nA = 1\n")
        archive.writestr("hooked_package/second.py", "A = 2\n")
    monkeypatch.syspath_prepend(str(tmp_path / "a.zip"))
    when_imported("hooked_package.first", hook)
    try:
        importlib.import_module("hooked_package.first")
        assert told == [("hooked_package.first", 1)]
    finally:
        for name in [*sys.modules]:
            if name.startswith("hooked_package"):
                del sys.modules[name]


def test_a_fault_of_a_hook_is_swallowed(package, forgiving):
    """The import goes on."""

    def broken(module):
        raise KeyError("ours")

    when_imported("hooked_package.first", broken)
    try:
        assert importlib.import_module("hooked_package.first").A == 1
    finally:
        forget("hooked_package.first", broken)
    assert guard.internal_errors() == {"import_hooks.imported": 1}
