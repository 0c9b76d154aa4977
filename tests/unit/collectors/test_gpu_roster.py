"""Which GPUs there should be, by name and not by number."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from genotel.collectors.gpu_reading import GpuInstance, GpuReading
from genotel.collectors.gpu_roster import GpuRoster, has_fault
from genotel.semconv import gpu_metrics as m


def _roster(expected=0):
    return GpuRoster("NVIDIA", expected=expected, longest_age_seconds=10)


def _reading(number, name):
    return GpuReading(number, name, "Fake", "0000:01:00.0")


def _seen(number, name, at=0.0):
    return (number, at, _reading(number, name), None)


def _faults(roster):
    return {name: gpu.fault for name, gpu in roster.known.items()}


LOOKS = st.lists(
    st.lists(
        st.one_of(st.sampled_from("abcd"), st.sampled_from([m.LOST, m.HUNG])),
        max_size=4,
        unique_by=lambda one: one if len(one) == 1 else object(),
    ),
    min_size=1,
    max_size=6,
)


@given(looks=LOOKS)
def test_what_was_seen_is_expected_for_good(looks):
    """Whatever drops, hangs, moves and returns: nothing is forgotten, nothing is counted twice."""
    roster = _roster()
    ever = set()
    for at, look in enumerate(looks):
        roster.update(
            [_seen(number, one, at) if len(one) == 1 else (number, at, None, one) for number, one in enumerate(look)]
        )
        names = {one for one in look if len(one) == 1}
        ever |= names
        assert set(roster.known) == ever
        assert {name for name, fault in _faults(roster).items() if fault is None} == names
        expected, seen = (value for _, _, value in roster.counts())
        assert seen == len(names) == len([*roster.answering()])
        assert expected >= max(len(ever), len(look))


def test_a_fault_is_of_the_gpu_that_had_the_number_last():
    """Two had number 0: the one that was read last has it still, the other is missing."""
    roster = _roster()
    roster.update([_seen(0, "a", at=1)])
    roster.update([_seen(0, "b", at=2)])
    roster.update([(0, 3, None, m.LOST)])
    assert _faults(roster) == {"a": m.MISSING, "b": m.LOST}


def test_a_gpu_that_never_said_its_name_is_expected():
    """And its fault is nobody's."""
    roster = _roster()
    assert roster.is_empty
    roster.update([_seen(0, "a"), (1, 0, None, m.LOST)])
    assert not roster.is_empty
    assert [value for _, _, value in roster.counts()] == [2, 1]
    assert not roster.is_complete
    assert _faults(roster) == {"a": None}


def test_old_values_are_a_fault_of_the_driver():
    """They are no lie, but nobody knows whether they hold."""
    roster = _roster()
    roster.update([_seen(0, "a", at=5)])
    roster.judge(15)
    assert not has_fault(roster, {m.DRIVER})
    roster.judge(15.1)
    assert _faults(roster) == {"a": m.DRIVER}
    assert [value for _, _, value in roster.ages(20)] == [15]
    roster.update([_seen(0, "a", at=21)])
    assert _faults(roster) == {"a": None}


def test_facts_name_every_gpu_and_its_parts():
    """A lost one keeps its name; of each closed set one value is 1."""
    roster = _roster(expected=3)
    part = GpuInstance("MIG-1", "Fake MIG 1g", "1g", None)
    roster.update([(0, 0, _reading(0, "a")._replace(instances=[part]), None), _seen(1, "b")])
    roster.update([(0, 1, None, m.LOST), _seen(1, "b", 1)])
    facts = {(spec.name, *labels): value for spec, labels, value in roster.facts("570")}
    assert facts[m.INFO.name, "a", "0", "Fake", "NVIDIA", "570", "0000:01:00.0", "", ""] == 1
    assert facts[m.INFO.name, "MIG-1", "0", "Fake MIG 1g", "NVIDIA", "570", "0000:01:00.0", "a", "1g"] == 1
    assert (facts[m.STATUS.name, "a", m.GPU, m.FAILED], facts[m.STATUS.name, "b", m.GPU, m.OK]) == (1, 1)
    assert [reason for reason in m.FAULTS if facts[m.FAULT.name, "a", reason]] == [m.LOST]
    assert [value for _, _, value in roster.counts()] == [3, 1]
