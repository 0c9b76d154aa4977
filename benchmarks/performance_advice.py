"""How often a model that is well is reported, and how often what is planted is found.

    python benchmarks/performance_advice.py [--seeds 200]

Histories of 20 models over 28 days made by chance (tests/made_up_work.py): days that differ, a rhythm of the day,
failures, loads. Prints the share of well models with any finding, over all seeds, and by finding; then for planted
faults the share that is found, and how often the interval of the ratio holds the truth.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from genotel.recommenders.performance import Performance  # noqa: E402
from genotel.recommenders.recommendation import Reason  # noqa: E402
from genotel.settings import AdviceSettings  # noqa: E402
from tests.made_up_work import Work, at_work  # noqa: E402

MODELS = 20
BAR = 0.05


def well(seed: int) -> dict[str, Work]:
    random = np.random.default_rng(seed)
    return {
        f"m{number:02d}": Work(
            seconds=float(random.lognormal(1, 0.5)),
            spread=(float(random.uniform(0.05, 0.3)), float(random.uniform(0.0, 0.2))),
            rhythm=float(random.uniform(0, 0.4)),
            failing=float(random.uniform(0, 0.1)),
            load_every=int(random.integers(8, 40)),
        )
        for number in range(MODELS)
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=200)
    seeds = parser.parse_args().seeds
    wrong: Counter[str] = Counter()
    reported, began = 0, time.process_time()
    for seed in range(seeds):
        found = Performance().recommend(at_work(well(seed), seed=seed), AdviceSettings()).recommendations
        wrong.update(advice.reason_code.value for advice in found)
        reported += len({advice.model for advice in found})
    share = reported / (seeds * MODELS)
    each = (time.process_time() - began) / seeds
    print(f"well models reported: {reported} of {seeds * MODELS} ({share:.2%}), {dict(wrong)}; {each:.2f} s a history")
    planted = {
        Reason.SLOWER_THAN_BEFORE: [Work(slower=(24.5, ratio)) for ratio in (1.2, 1.5, 2.0)],
        Reason.SLOWER_THAN_PEERS: [Work(seconds=2.7 * ratio) for ratio in (3.0, 6.0, 12.0)],
        Reason.LOAD_TIME_DOMINATES: [Work(seconds=1, load_every=2, load_seconds=seconds) for seconds in (15.0, 30.0)],
        Reason.KEEP_ALIVE_TOO_SHORT: [Work(load_every=1)],
        Reason.FAILING_SINCE: [Work(broken_from=day) for day in (27.75, 27.0)],
        Reason.LOW_SUCCESS: [Work(failing=share) for share in (0.55, 0.7)],
    }
    for reason, works in planted.items():
        for work in works:
            hits = held = 0
            for seed in range(max(seeds // 4, 1)):
                others = {} if reason is Reason.KEEP_ALIVE_TOO_SHORT else well(seed)
                history = at_work({**others, "planted": work}, seed=seed)
                for advice in Performance().recommend(history, AdviceSettings()).recommendations:
                    if (advice.model, advice.reason_code) == ("planted", reason):
                        hits += 1
                        low, high = advice.evidence.get("ratio_low"), advice.evidence.get("ratio_high")
                        held += bool(work.slower and low <= work.slower[1] <= high)
            told = f", interval holds {held / hits:.0%}" if work.slower and hits else ""
            print(f"{reason.value:<22} {work}\n    found {hits / max(seeds // 4, 1):.0%}{told}")
    return 0 if share <= BAR else 1


if __name__ == "__main__":
    sys.exit(main())
