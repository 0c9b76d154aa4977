"""Which models do not do what they are asked for: those that fail, are slow, or wait for their weights.

What can be wrong is one file each in :mod:`genotel.recommenders.performance_findings`; this file asks them all.
"""

from __future__ import annotations

from typing import ClassVar

from genotel.history.usage import UsageHistory
from genotel.recommenders.performance_findings.finding import KIND, Recent
from genotel.recommenders.performance_findings.registry import FINDINGS
from genotel.recommenders.recommendation import Reason, Recommendation, Withheld
from genotel.recommenders.recommender import Findings
from genotel.settings import AdviceSettings


class Performance:
    """Report what is wrong with models that are asked for; several lines for one model where several things are.

    Only the last ``performance_window_days`` count, so that a fault of long ago is not reported again.
    """

    kind: ClassVar[str] = KIND
    method: ClassVar[str] = "what is certain over the last days: success, change points, peers, loads"

    def recommend(self, history: UsageHistory, settings: AdviceSettings) -> Findings:
        """Return the findings, those that cost most seconds a day first, and why other models have none."""
        if not history.has_data:
            return Findings()
        recent = Recent.of(history, settings.performance_window_days)
        found = [advice for finding in FINDINGS for advice in finding.find(recent, settings)]
        superseded = {
            (advice.model, reason)
            for finding in FINDINGS
            for advice in found
            if advice.reason_code is finding.reason
            for reason in finding.supersedes
        }
        told = [advice for advice in found if (advice.model, advice.reason_code) not in superseded]
        told.sort(key=_urgency, reverse=True)
        models = {advice.model for advice in told}
        requests, succeeded, failed = (recent.total(column) for column in ("requests", "succeeded", "failed"))
        withheld = tuple(
            Withheld(
                model,
                self.kind,
                _reason_against(
                    float(requests[index]), float(succeeded[index]), float(failed[index]), settings.min_success
                ),
            )
            for index, model in enumerate(history.models)
            if model not in models
        )
        return Findings(tuple(told), withheld)


def _urgency(advice: Recommendation) -> tuple[int, float, float, float]:
    """Return what is first: what is sure, then what fails most, then what costs most seconds."""
    failed = advice.evidence.get("failed")
    return (
        advice.priority.rank,
        float(failed) if isinstance(failed, int | float) else 0.0,
        advice.saving.seconds_per_day or 0.0,
        advice.confidence,
    )


def _reason_against(requests: float, succeeded: float, failed: float, limit: float) -> Reason:
    known = succeeded + failed
    if not requests:
        return Reason.NOT_ASKED_FOR
    if not known:
        return Reason.OUTCOMES_UNKNOWN
    return Reason.TOO_FEW_CALLS if succeeded < limit * known else Reason.SUCCEEDS
