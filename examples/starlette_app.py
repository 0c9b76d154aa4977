"""Mount the page in a web application of yours, instead of serving it on a port of its own."""

import threading
import time
from urllib.request import urlopen

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

import genotel
from genotel.exposition.asgi import make_asgi_app

# page=False: no server of our own; the application serves the page.
handle = genotel.configure(page=False)


@genotel.measure(model="sdxl", output="image")
async def paint(prompt: str) -> str:
    return f"an image of {prompt}"


async def images(request: Request) -> PlainTextResponse:
    return PlainTextResponse(await paint(request.path_params["prompt"]))


app = Starlette(routes=[Route("/images/{prompt}", images), Mount("/metrics", make_asgi_app(handle.page))])

# From here on only what makes the example end by itself: a server in a thread, and three visitors.
server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, ws="none", log_level="warning"))
thread = threading.Thread(target=server.run)
thread.start()
while not server.started:
    time.sleep(0.01)
address = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"

for prompt in ("fox", "lighthouse"):
    print(urlopen(f"{address}/images/{prompt}").read().decode())
for line in urlopen(f"{address}/metrics").read().decode().splitlines():
    if line.startswith("genotel_generation_requests_total"):
        print(line)

server.should_exit = True
thread.join()
handle.shutdown()
