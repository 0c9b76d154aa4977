"""What a diffusion pipeline made: images, clips, sound; how many, how large, how long."""

from __future__ import annotations

import inspect
from typing import Any
from weakref import WeakKeyDictionary

from genotel.autoinstrument.arguments import Arguments
from genotel.autoinstrument.library_call import LibraryCall

IMAGE, VIDEO, SPEECH = "image", "video", "speech"

_LENGTHS_OF_SOUND = frozenset({"audio_length_in_s", "audio_end_in_s"})
_LENGTHS_OF_VIDEO = frozenset({"num_frames", "video_length"})
# To read a signature takes as long as some steps.
_MADE_BY: WeakKeyDictionary[type, str] = WeakKeyDictionary()


def output_type(pipeline: Any) -> str:
    """Return what a pipeline makes, read from what it can be asked for."""
    kind = type(pipeline)
    known = _MADE_BY.get(kind)
    if known is None:
        asked = {*inspect.signature(kind.__call__).parameters}
        visible = VIDEO if asked & _LENGTHS_OF_VIDEO else IMAGE
        known = SPEECH if asked & _LENGTHS_OF_SOUND else visible
        _MADE_BY[kind] = known
    return known


def note_results(call: LibraryCall, arguments: Arguments, result: Any) -> None:
    """Tell the call what it made; latents are counted, but have no pixels yet."""
    if arguments.get("output_type") == "latent":
        call.outputs()
        return
    videos = getattr(result, "frames", None)
    if videos is not None:
        _note_videos(call, videos)
        return
    sounds = getattr(result, "audios", None)
    if sounds is not None:
        rate = _sampling_rate(arguments.owner)
        seconds = sum(sound.shape[-1] for sound in sounds) / rate if rate else 0.0
        call.outputs(len(sounds), seconds=seconds, kind=SPEECH)
        return
    images = getattr(result, "images", None)
    if images is None and isinstance(result, tuple) and result:
        images = result[0]
        if _rank(images) == 5:
            _note_videos(call, images)
            return
    if images is not None and hasattr(images, "__len__") and len(images):
        width, height = _plane(images) if _rank(images) == 4 else _size(images[0], arguments)
        call.outputs(len(images), pixels=len(images) * width * height, kind=IMAGE)


def _note_videos(call: LibraryCall, videos: Any) -> None:
    if not len(videos):
        return
    if _rank(videos) == 5:
        # Of a tensor or an array nothing is taken out: each piece would be an operation of its library.
        frames = int(videos.shape[0]) * int(videos.shape[1])
        width, height = _plane(videos)
    else:
        frames = sum(len(video) for video in videos)
        width, height = _size(videos[0][0], None)
    call.outputs(len(videos), frames=frames, pixels=frames * width * height, kind=VIDEO)


def _rank(value: Any) -> int:
    return len(getattr(value, "shape", ()))


def _size(image: Any, arguments: Arguments | None) -> tuple[int, int]:
    """Return width and height in pixels: of PIL's size, or of a tensor or an array."""
    size = getattr(image, "size", None)
    if isinstance(size, tuple) and len(size) == 2:
        return int(size[0]), int(size[1])
    if _rank(image) == 3:
        return _plane(image)
    if arguments is None:
        return 0, 0
    return int(arguments.get("width") or 0), int(arguments.get("height") or 0)


def _plane(pictures: Any) -> tuple[int, int]:
    """Return width and height of pictures: tensors are (…, C, H, W), arrays (…, H, W, C)."""
    is_tensor = callable(getattr(pictures, "size", None))
    height, width = pictures.shape[-2:] if is_tensor else pictures.shape[-3:-1]
    return int(width), int(height)


def _sampling_rate(pipeline: Any) -> float | None:
    for part in ("vocoder", "vae"):
        held = getattr(pipeline, part, None)
        rate = getattr(getattr(held, "config", None), "sampling_rate", None)
        if isinstance(rate, int | float) and rate > 0:
            return float(rate)
    return None
