"""Every finding has its line, and its reason code is its own."""

from __future__ import annotations

from pathlib import Path

from genotel.recommenders import performance_findings
from genotel.recommenders.performance_findings.registry import FINDINGS
from genotel.recommenders.recommendation import Reason

NO_FINDINGS = {"__init__", "finding", "registry"}


def test_every_file_is_in_the_table() -> None:
    """A file of this folder that is not listed would never be asked."""
    files = {file.stem for file in Path(performance_findings.__path__[0]).glob("*.py")} - NO_FINDINGS
    assert sorted(type(finding).__module__.rpartition(".")[2] for finding in FINDINGS) == sorted(files)


def test_each_has_a_reason_of_its_own() -> None:
    """Two that said the same could not be told apart."""
    assert len({finding.reason for finding in FINDINGS}) == len(FINDINGS)
    assert all(isinstance(reason, Reason) for finding in FINDINGS for reason in finding.supersedes)
