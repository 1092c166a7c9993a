"""The agent's HTTP server: who may ask, and how large a request may be."""

from aiohttp import web

from paas_agent.api import Answer, Api, Request, refusal
from paas_agent.errors import Refused

MAX_BODY = 2 * 1024 * 1024  # an order holds what somebody sent the controller in 1 MiB, and a little more


def application(api: Api) -> web.Application:
    """Everything that may be asked, behind token and certificate."""

    async def handle(request: web.Request) -> web.Response:
        try:
            _look(api, request)
            asked = Request(request.method, request.rel_url, await request.read())
        except Refused as error:
            return _sent(refusal(error))
        except web.HTTPRequestEntityTooLarge:
            return _sent(refusal(Refused(413, "too-large", f"the body is larger than {MAX_BODY // 1024} KiB")))
        return _sent(await api.answer(asked))

    app = web.Application(client_max_size=MAX_BODY)
    app.router.add_route("*", "/{path:.*}", handle)
    return app


def _look(api: Api, request: web.Request) -> None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    known = scheme.lower() == "bearer" and api.trust.accepts(token.strip())
    if not known and (request.method, request.path) != ("GET", "/ping"):
        raise Refused(401, "unauthorized", "this needs the header Authorization: Bearer and this host's token")
    if not api.trust.proves(request):
        raise Refused(403, "forbidden", "this token came without the certificate of this host's controller")


def _sent(answer: Answer) -> web.Response:
    charset = "utf-8" if answer.content_type.startswith("text/") else None
    return web.Response(body=answer.body, status=answer.status, content_type=answer.content_type, charset=charset)
