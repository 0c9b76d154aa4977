"""Advise to keep one variant of a model: of sdxl-fp16 and sdxl-fp8 the one that is asked for.

A recommender for genotel in one file. It sees the history of use and returns, for every model, advice or
the reason why there is none.
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import ClassVar

from genotel.history.usage import UsageHistory
from genotel.recommenders.recommendation import ReasonCode, Recommendation, Saving, Withheld, priority
from genotel.recommenders.recommender import Findings
from genotel.settings import AdviceSettings

_PRECISION = re.compile(r"[-_.](fp32|fp16|bf16|fp8|int8|int4|q\d(_[a-z0-9]+)*)$", re.IGNORECASE)
MINIMUM_CALLS = 20
MINIMUM_DAYS = 7.0


class VariantReason(ReasonCode):
    """Name why a variant is superfluous or is not: a word for programs, and what would change it."""

    OTHER_VARIANT_PREFERRED = "other_variant_preferred", "Calls of this variant."
    ONLY_VARIANT = "only_variant", "A second variant of the same model."
    VARIANT_IN_USE = "variant_in_use", "Calls that go to another variant instead."
    TOO_FEW_CALLS = "too_few_calls", "More calls of the model's variants, or a longer history."


class Variants:
    """Advise to delete variants that hardly anybody asks for while another one is asked for."""

    kind: ClassVar[str] = "variants"
    method: ClassVar[str] = "share of the next call by Laplace's rule of succession"

    def recommend(self, history: UsageHistory, settings: AdviceSettings) -> Findings:
        """Return the variants to delete, the surest first, and why not the other models."""
        calls = dict(zip(history.models, history.total("requests").tolist(), strict=True))
        sizes = dict(zip(history.models, history.size_bytes.tolist(), strict=True))
        families: dict[str, list[str]] = defaultdict(list)
        for model in history.models:
            families[_PRECISION.sub("", model)].append(model)
        found: list[Recommendation] = []
        withheld: list[Withheld] = []
        for family, variants in families.items():
            total = sum(calls[model] for model in variants)
            for model in variants:
                # The chance that the next call of the family is one of another variant.
                probability = 1.0 - (calls[model] + 1.0) / (total + len(variants))
                rank = priority(probability, is_history_long_enough=history.span_days >= MINIMUM_DAYS)
                if len(variants) == 1:
                    withheld.append(Withheld(model, self.kind, VariantReason.ONLY_VARIANT))
                elif total < MINIMUM_CALLS:
                    withheld.append(Withheld(model, self.kind, VariantReason.TOO_FEW_CALLS))
                elif rank is None:
                    withheld.append(Withheld(model, self.kind, VariantReason.VARIANT_IN_USE))
                else:
                    best = max(variants, key=lambda name: calls[name])
                    # NaN is an unknown size; unknown is None, never 0.
                    size = int(sizes[model]) if sizes[model] == sizes[model] else None
                    found.append(
                        Recommendation(
                            model=model,
                            kind=self.kind,
                            priority=rank,
                            confidence=probability,
                            reason_code=VariantReason.OTHER_VARIANT_PREFERRED,
                            reason=f"{calls[model]:.0f} of {total:.0f} calls of {family} in {history.span_days:.3g} "
                            f"days asked for this variant; {best} had {calls[best]:.0f}.",
                            evidence={"calls": int(calls[model]), "family_calls": int(total), "preferred": best},
                            saving=Saving(bytes=size),
                        )
                    )
        found.sort(key=lambda entry: -entry.confidence)
        return Findings(tuple(found), tuple(withheld))
