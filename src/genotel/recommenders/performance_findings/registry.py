"""Every finding there is. A test fails when a file of this folder is not in the tuple."""

from __future__ import annotations

from genotel.recommenders.performance_findings.batch_size import BatchSize
from genotel.recommenders.performance_findings.failing_since import FailingSince
from genotel.recommenders.performance_findings.finding import Finding
from genotel.recommenders.performance_findings.keep_alive import KeepAliveTooShort
from genotel.recommenders.performance_findings.load_time import LoadTimeDominates
from genotel.recommenders.performance_findings.low_success import LowSuccess
from genotel.recommenders.performance_findings.out_of_memory import OutOfMemory
from genotel.recommenders.performance_findings.slower_than_before import SlowerThanBefore
from genotel.recommenders.performance_findings.slower_than_peers import SlowerThanPeers

FINDINGS: tuple[Finding, ...] = (
    LowSuccess(),
    FailingSince(),
    SlowerThanBefore(),
    SlowerThanPeers(),
    LoadTimeDominates(),
    KeepAliveTooShort(),
    OutOfMemory(),
    BatchSize(),
)
