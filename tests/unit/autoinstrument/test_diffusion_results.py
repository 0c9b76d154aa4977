"""What a pipeline made, in every form that pipelines give it: tensors, arrays, pictures of PIL, tuples, nothing."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from genotel.autoinstrument.arguments import Arguments
from genotel.autoinstrument.diffusion_results import note_results
from genotel.autoinstrument.library_call import LibraryCall


class Tensor:
    """Have the shape and the face of torch's tensors."""

    def __init__(self, *shape):
        self.shape = shape

    def __len__(self):
        return self.shape[0]

    def __getitem__(self, index):
        return Tensor(*self.shape[1:])

    def size(self):
        return self.shape


class Array(Tensor):
    """Have the face of numpy's arrays: the size is a number."""

    size = 0

    def __getitem__(self, index):
        return Array(*self.shape[1:])


PICTURE = SimpleNamespace(size=(8, 4))


@pytest.mark.parametrize(
    ("result", "made"),
    [
        (SimpleNamespace(images=Tensor(2, 3, 4, 8)), (2, 0, 64)),
        (SimpleNamespace(images=Array(2, 4, 8, 3)), (2, 0, 64)),
        (SimpleNamespace(images=[PICTURE, PICTURE]), (2, 0, 64)),
        (SimpleNamespace(images=[Array(4, 8, 3)]), (1, 0, 32)),
        # A picture that says no size is as large as was asked for.
        (SimpleNamespace(images=[object()]), (1, 0, 600)),
        ((Tensor(1, 3, 4, 8),), (1, 0, 32)),
        (SimpleNamespace(frames=Tensor(2, 5, 3, 4, 8)), (2, 10, 320)),
        (SimpleNamespace(frames=Array(1, 5, 4, 8, 3)), (1, 5, 160)),
        (SimpleNamespace(frames=[[PICTURE] * 3, [PICTURE] * 2]), (2, 5, 160)),
        # A clip that says no size has no pixels that are known.
        (SimpleNamespace(frames=[[object()]]), (1, 1, 0)),
        ((Tensor(1, 5, 3, 4, 8),), (1, 5, 160)),
        (SimpleNamespace(frames=[]), (0, 0, 0)),
        (SimpleNamespace(images=[]), (0, 0, 0)),
        (SimpleNamespace(images=7), (0, 0, 0)),
        (SimpleNamespace(), (0, 0, 0)),
        ((), (0, 0, 0)),
    ],
)
def test_what_was_made_is_counted(observed, result, made):
    """Pieces, frames and pixels, without taking a tensor apart."""
    arguments = Arguments(("self",), (SimpleNamespace(),), {"width": 30, "height": 20})
    with LibraryCall(("o", "p", "results", "image")) as call:
        note_results(call, arguments, result)
    names = ("outputs", "output_frames", "output_pixels")
    assert tuple(observed.value(f"genotel_generation_{name}_total") for name in names) == made


def test_sound_of_an_unknown_rate_has_no_length(observed):
    """Counted all the same."""
    with LibraryCall(("o", "p", "sound", "speech")) as call:
        note_results(call, Arguments(("self",), (SimpleNamespace(),), {}), SimpleNamespace(audios=[Tensor(2, 100)]))
    assert observed.value("genotel_generation_outputs_total") == 1
    assert observed.value("genotel_generation_output_seconds_total") == 0
