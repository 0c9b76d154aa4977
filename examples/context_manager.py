"""Open a call by hand to say more about it: queue wait, phases, steps, what was made."""

import time
from urllib.request import urlopen

import genotel

MODEL = "wan2.2-t2v-a14b"
STEPS, FRAMES, WIDTH, HEIGHT = 8, 81, 832, 480

with genotel.configure() as handle:
    with genotel.model_load(MODEL, source="disk"):
        time.sleep(0.02)

    with genotel.generation(
        MODEL,
        output="video",
        parameters={"steps": STEPS, "width": WIDTH, "height": HEIGHT, "guidance_scale": 5.0},
        queue_seconds=0.4,
    ) as call:
        with call.phase("encode"):
            time.sleep(0.005)
        with call.phase("denoise"):
            for _ in range(STEPS):
                time.sleep(0.005)
                call.step()
        with call.phase("decode"):
            time.sleep(0.01)
        call.outputs(1, frames=FRAMES, pixels=FRAMES * WIDTH * HEIGHT, seconds=FRAMES / 16)

    genotel.model_unloaded(MODEL)

    if handle.url:
        for line in urlopen(handle.url).read().decode().splitlines():
            if line.startswith(("genotel_generation_phase_duration_seconds_sum", "genotel_generation_steps_total")):
                print(line)
