"""Ask about each model on a terminal and say what became of it: results on stdout, the rest on stderr."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Iterable

from genotel.actions.apply import Machine, Outcome, Plan, Result, apply
from genotel.errors import SettingsError
from genotel.recommenders.advice import Advice
from genotel.recommenders.recommendation import Priority, Recommendation
from genotel.report.wording import one_line, size, sureness

KIND = "cleanup"
_YES, _QUIT = frozenset({"y", "yes"}), frozenset({"q", "quit"})


def chosen(advice: Advice, least: Priority) -> list[Recommendation]:
    """Return the advice of cleanup from a priority on."""
    return [entry for entry in advice.recommendations if entry.kind == KIND and entry.priority.rank >= least.rank]


def act(advice: Advice, machine: Machine, *, least: Priority, without_asking: bool, as_json: bool) -> bool:
    """Move what is agreed to into the trash; return whether all of that could be moved.

    Args:
        advice: with its cleanup.
        machine: where models lie.
        least: the priority from which on advice counts.
        without_asking: agree to everything.
        as_json: one JSON object at the end instead of a line a model.

    Raises:
        SettingsError: there is nobody to ask.
    """
    asking = _Asking(without_asking)
    results: list[Result] = []
    start = advice.window[0] if advice.window is not None else 0.0
    for result in apply(chosen(advice, least), start, machine, asking.agrees):
        results.append(result)
        if not as_json:
            _say(result)
        if asking.has_quit:
            break
    if as_json:
        content = {"source": advice.source, "results": [_plain(result) for result in results]}
        sys.stdout.write(json.dumps(content, indent=2) + "\n")
    elif not results:
        print(f"genotel: no advice of cleanup with priority {least} or above: nothing to move", file=sys.stderr)
    say_left_out(advice, least)
    moved = [result for result in results if result.outcome is Outcome.MOVED]
    if moved:
        total = size(sum(result.freed_bytes for result in moved))
        print(
            f"genotel: {len(moved)} moved to the trash; `genotel trash empty` frees {total}, "
            "`genotel trash undo FILE` brings a model back",
            file=sys.stderr,
        )
    return not any(result.outcome is Outcome.REFUSED and result.model in asking.agreed for result in results)


def say_left_out(advice: Advice, least: Priority) -> None:
    """Say on stderr how much advice is not urgent enough, where there is any."""
    left = sum(entry.kind == KIND for entry in advice.recommendations) - len(chosen(advice, least))
    if left:
        print(f"genotel: {left} of lower priority left out; --from-priority low takes all", file=sys.stderr)


class _Asking:
    """Ask, and remember what was agreed to and that nothing more is to be asked."""

    def __init__(self, without_asking: bool) -> None:
        if not without_asking and not sys.stdin.isatty():
            raise SettingsError("--apply asks about each model and there is no terminal to ask on; give --yes")
        self._without_asking = without_asking
        self.agreed: set[str] = set()
        self.has_quit = False

    def agrees(self, plan: Plan) -> bool:
        """Return whether a model may be moved."""
        if not self._without_asking:
            print("\n".join(_question(plan)), file=sys.stderr)
            print(f"Move {one_line(plan.removal.model)} to the trash? [y/N/q] ", end="", file=sys.stderr, flush=True)
            answer = sys.stdin.readline().strip().lower()
            self.has_quit = answer in _QUIT
            if answer not in _YES:
                return False
        self.agreed.add(plan.removal.model)
        return True


def _question(plan: Plan) -> Iterable[str]:
    removal, advice = plan.removal, plan.advice
    yield ""
    yield (
        f"{one_line(removal.model)} in {one_line(removal.location)}: {_some(removal.files, 'file')}, frees "
        f"{size(removal.freed_bytes)}; {sureness(advice.confidence)} sure ({advice.priority.value})"
    )
    yield f"  {one_line(advice.reason)}"
    for entry in removal.entries[:5]:
        yield f"  {one_line(removal.root)}/{one_line(entry.path)}"
    if len(removal.entries) > 5:
        yield f"  and {len(removal.entries) - 5} more"
    if removal.kept:
        yield f"  stays, since other models have it too: {_some(len(removal.kept), 'file')}"
    if plan.hidden_processes:
        hidden = _some(plan.hidden_processes, "process", "processes")
        yield f"  {hidden} of others could not be asked whether it is in use"


def _some(count: int, one: str, many: str | None = None) -> str:
    return f"{count} {one if count == 1 else many or one + 's'}"


def _say(result: Result) -> None:
    model = one_line(result.model)
    if result.outcome is Outcome.MOVED:
        undo = shlex.quote(str(result.undo_file))
        print(f"moved {model}, {size(result.freed_bytes)}; undo: genotel trash undo {undo}", flush=True)
    elif result.outcome is Outcome.REFUSED:
        print(f"kept {model}: {one_line(result.detail)} ({result.obstacle})", flush=True)
    else:
        print(f"kept {model}", flush=True)


def _plain(result: Result) -> dict[str, object]:
    return {
        "model": result.model,
        "outcome": result.outcome,
        "reason_code": result.obstacle,
        "detail": result.detail,
        "freed_bytes": result.freed_bytes,
        "undo_file": None if result.undo_file is None else str(result.undo_file),
    }
