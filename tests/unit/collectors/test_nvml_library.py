"""Whether the driver library is there, asked without loading it."""

from __future__ import annotations

from genotel.collectors.nvml_library import NAME, nvml_library


def test_a_folder_of_the_environment_comes_first(tmp_path):
    """As the loader has it; empty entries and folders without it do not count."""
    (tmp_path / NAME).touch()
    environ = {"LD_LIBRARY_PATH": f":/nowhere:{tmp_path}"}
    assert nvml_library(environ, "/nowhere/cache", []) == str(tmp_path / NAME)


def test_the_cache_of_the_loader_knows_it_by_name(tmp_path):
    """Distributions put it where they like and tell the cache."""
    cache = tmp_path / "ld.so.cache"
    cache.write_bytes(b"glibc-ld.so.cache1.1\0libm.so.6\0libnvidia-ml.so.1\0/opt/libnvidia-ml.so.1\0")
    assert nvml_library({}, str(cache), []) == NAME
    cache.write_bytes(b"libnvidia-ml.so.10\0")
    assert nvml_library({}, str(cache), []) is None


def test_a_folder_of_the_system_comes_last(tmp_path):
    """A container gets the library without its cache being told."""
    (tmp_path / NAME).touch()
    assert nvml_library({}, "/nowhere/cache", ["/nowhere", str(tmp_path)]) == str(tmp_path / NAME)


def test_the_loader_s_own_files_are_asked_by_default(monkeypatch, tmp_path):
    """Whatever this machine has."""
    monkeypatch.setenv("LD_LIBRARY_PATH", str(tmp_path))
    (tmp_path / NAME).touch()
    assert nvml_library() == str(tmp_path / NAME)
