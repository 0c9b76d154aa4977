"""Look again and again: read the history, advise, judge what was said before, and show all of it on a page."""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Event

from genotel import guard
from genotel.clock import SYSTEM_CLOCK, Clock
from genotel.errors import GenotelError, InputError, SettingsError
from genotel.exposition.own_metrics import OwnMetrics
from genotel.exposition.page import Page
from genotel.exposition.serving import ServedPage
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
from genotel.settings import Settings, default_journal_path

MEMORY_NAME = "advice.json"
_LOOKING = "genotel-looking"


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


def watch(
    source: HistorySource,
    kinds: tuple[str, ...],
    settings: Settings,
    webhook: Webhook | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> None:
    """Look every ``watch_interval_seconds`` and serve the page, until the thread is interrupted.

    Args:
        source: where the history is read from.
        kinds: the kinds of advice to ask.
        settings: all of them.
        webhook: who is told.
        say: tells people where the page is, and what goes wrong.

    Raises:
        SettingsError: the address cannot be served on, or a setting is wrong.
        InputError: the memory's file cannot be used, or another watch uses it.
        KeyboardInterrupt: the watch was ended.
    """
    chosen = settings.watch
    memory_file = chosen.watch_memory or default_journal_path().with_name(MEMORY_NAME)
    shown = AdvicePage(
        most=chosen.watch_series, keep_seconds=chosen.watch_keep_seconds, has_webhook=webhook is not None
    )
    page = Page([shown])
    page.add_source(OwnMetrics(page, internal_errors=True))
    if webhook is not None:
        webhook.on_result = shown.count_delivery
    with _locked(memory_file):
        # A damaged one is said before anything is served, and not after the first long look.
        read_memory(memory_file)
        # Whoever may not read the page of the measurements may not read the advice either.
        where = replace(settings.page, host=chosen.watch_host, port=chosen.watch_port, web_systemd_socket=False)
        server = ServedPage(page, where, ready=lambda: shown.is_ready)
        try:
            server.start()
        except OSError as error:
            raise SettingsError(
                f"cannot serve on {chosen.watch_host} port {chosen.watch_port} ({error.strerror or error}); "
                "choose others with --host and --port (0: any)"
            ) from error
        watcher = Watcher(source, kinds, settings, shown, memory_file, webhook, say)
        with closing(server), closing(watcher):
            if server.exposure:
                say(server.exposure)
            say(f"advice on {server.url}")
            pause = Event()
            while True:
                begin = SYSTEM_CLOCK.monotonic()
                _beside(watcher.run)
                pause.wait(max(chosen.watch_interval_seconds - (SYSTEM_CLOCK.monotonic() - begin), 0.0))


def is_looking() -> bool:
    """Return whether a look is still under way: one that waits for a server outlives the interrupt of its watch."""
    return any(thread.name == _LOOKING for thread in threading.enumerate())


def _beside(look: Callable[[], object]) -> None:
    """Look in a thread of its own: a signal ends the wait for it, whatever it waits for itself."""
    faults: list[BaseException] = []
    done = Event()

    def run() -> None:
        try:
            look()
        except BaseException as error:
            faults.append(error)
        finally:
            done.set()

    thread = threading.Thread(target=run, name=_LOOKING, daemon=True)
    thread.start()
    done.wait()
    thread.join()
    if faults:
        raise faults[0]


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
        if key not in memory.claims:
            claim = claim_of(entry, history)
            if claim is not None:
                memory.remember(claim)
    memory.since = since


@contextmanager
def _locked(memory_file: Path) -> Iterator[None]:
    """Keep a second watch away from the same memory until the end of the block."""
    try:
        memory_file.parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(memory_file.with_name(f".{memory_file.name}.lock"), os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise InputError(
            f"the memory of advice cannot be kept here ({error.strerror}); name another file with --memory",
            file=str(memory_file),
        ) from error
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise InputError(
                "another genotel recommend --watch uses this memory; name another file with --memory",
                file=str(memory_file),
            ) from error
        yield
    finally:
        os.close(lock)
