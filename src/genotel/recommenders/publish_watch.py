"""Look once: read the history, advise, judge what was said before, show all of it on a page, and remember it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from genotel import guard
from genotel.clock import SYSTEM_CLOCK, Clock
from genotel.errors import GenotelError, InputError, SettingsError
from genotel.history.kept import KEPT_HISTORIES, KeptHistories
from genotel.history.source import HistorySource
from genotel.history.usage import UsageHistory
from genotel.recommenders.advice import Advice, advise
from genotel.recommenders.publish import AdvicePage, Run
from genotel.recommenders.publish_claims import claim_of, judge
from genotel.recommenders.publish_forecasts import EVERY, forecasts, is_over, score
from genotel.recommenders.publish_memory import Memory, read_memory, write_memory
from genotel.recommenders.publish_webhook import Webhook
from genotel.semconv.attributes import RESULT_EXPIRED, RESULT_RIGHT
from genotel.settings import Settings


@dataclass(slots=True)
class Watcher:
    """Run the recommender once, as often as it is told.

    Args:
        source: where the history is read from.
        kinds: the kinds of advice to ask.
        settings: thresholds, and how old a kept history may be.
        page: what shows the result.
        memory_file: where the memory is kept; None only in memory.
        webhook: who is told.
        say: tells people what went wrong, once.
    """

    source: HistorySource
    kinds: tuple[str, ...]
    settings: Settings
    page: AdvicePage
    memory_file: Path | None = None
    webhook: Webhook | None = None
    say: Callable[[str], None] = lambda text: None
    clock: Clock = SYSTEM_CLOCK
    kept: KeptHistories = field(default_factory=lambda: KEPT_HISTORIES)
    memory: Memory | None = None
    _last: tuple[UsageHistory, Run] | None = None
    # What was said last of reading and of remembering, so that it is said once.
    _trouble: str | None = None
    _memory_trouble: str | None = None
    _running: threading.Lock = field(default_factory=threading.Lock)

    def run(self) -> bool:
        """Look once; return whether the history could be read. What goes wrong is said and counted.

        Raises:
            SettingsError: a setting is wrong, so that the next run would fail too.
            InputError: the history's file cannot be read at the first look; or the memory's file is damaged, of a
                newer genotel, or about another source.
        """
        with self._running:
            return self._run()

    def _run(self) -> bool:
        begin = self.clock.monotonic()
        try:
            history = self.kept.load(self.source, self.settings.advice.cache_ttl_minutes * 60)
        except GenotelError as error:
            # A file that cannot be read at first is a mistake of who names it; a server may be away for a while.
            is_first = not self.page.is_ready and self._trouble is None
            if isinstance(error, SettingsError) or (is_first and isinstance(error, InputError)):
                raise
            self._failed(str(error))
            return False
        except Exception as error:
            guard.report("recommenders.history", error)
            self._failed(f"the history could not be read ({type(error).__name__})")
            return False
        memory = self._memory(history)
        try:
            run = self._look(history, memory, begin)
            self.page.show(run, memory)
            if self.webhook is not None:
                memory.told = self.webhook.copy_told()
                self.webhook.offer(run.advice.recommendations, run.advice.source)
        except Exception as error:
            # The watch goes on: what was said before stays on the page, with its age.
            guard.report("recommenders.watch", error)
            self._failed(f"the advice could not be worked out ({type(error).__name__})")
            return False
        if self._trouble is not None:
            self._trouble = None
            self.say("the history can be read again")
        self._save(memory)
        return True

    def close(self) -> None:
        """Wait a moment for the webhook, and remember what it delivered."""
        if self.webhook is not None:
            self.webhook.close()
            # A look that goes on has the memory in its hands.
            if self.memory is not None and self._running.acquire(blocking=False):
                self.memory.told = self.webhook.copy_told()
                self._save(self.memory)
                self._running.release()

    def _memory(self, history: UsageHistory) -> Memory:
        if self.memory is None:
            self.memory = (
                Memory(source=history.source)
                if self.memory_file is None
                else read_memory(self.memory_file, history.source)
            )
            if self.webhook is not None:
                self.webhook.told.update(self.memory.told)
        return self.memory

    def _look(self, history: UsageHistory, memory: Memory, begin: float) -> Run:
        if self._last is not None and self._last[0] is history:
            # Nothing new was read, so that nothing new can be said: the page keeps telling of when it was.
            return self._last[1]
        now = self.clock.wall()
        _judge(memory, history)
        advice = advise(history, self.kinds, self.settings.advice)
        made, next_uses = forecasts(history, self.settings.watch.watch_series)
        _remember(memory, history, advice, now)
        for forecast in made:
            if forecast.hour % EVERY[forecast.horizon] == 0:
                memory.remember_forecast(forecast)
        run = Run(
            at=now,
            seconds=self.clock.monotonic() - begin,
            advice=advice,
            forecasts=tuple(made),
            next_uses=tuple(next_uses.items()),
        )
        self._last = (history, run)
        return run

    def _save(self, memory: Memory) -> None:
        if self.memory_file is None:
            return
        trouble = None
        try:
            write_memory(memory, self.memory_file)
        except InputError as error:
            guard.report("recommenders.memory", error)
            trouble = str(error)
        if trouble is not None and trouble != self._memory_trouble:
            self.say(trouble)
        self._memory_trouble = trouble

    def _failed(self, text: str) -> None:
        self.page.count_failure()
        if text != self._trouble:
            self._trouble = text
            self.say(text)


def _judge(memory: Memory, history: UsageHistory) -> None:
    """Move what can be judged by now from the claims to the results."""
    for key, claim in list(memory.claims.items()):
        verdict = judge(claim, history)
        if verdict is None:
            continue
        del memory.claims[key]
        memory.results[claim.kind, verdict.result] += 1
        if verdict.result != RESULT_EXPIRED:
            memory.remember_outcome(claim.kind, claim.confidence, verdict.result == RESULT_RIGHT)
        if verdict.bytes:
            memory.realised_bytes[claim.kind] += verdict.bytes
        if verdict.seconds:
            memory.realised_seconds[claim.kind] += verdict.seconds
    waiting = []
    for made in memory.forecasts:
        if not is_over(made, history):
            waiting.append(made)
            continue
        result = score(made, history)
        if result is not None and result.n:
            memory.remember_score(made.horizon, result)
    memory.forecasts = waiting


def _remember(memory: Memory, history: UsageHistory, advice: Advice, now: float) -> None:
    """Claim what is new, and note since when advice stands."""
    since = {}
    for entry in advice.recommendations:
        key = (entry.kind, entry.model)
        since[key] = memory.since.get(key, now)
        claim = claim_of(entry, history)
        if claim is not None:
            memory.remember(claim)
    memory.since = since
