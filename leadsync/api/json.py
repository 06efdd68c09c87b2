"""JSON as the API reads and writes it."""

import json
from collections.abc import Iterable, Mapping
from io import BytesIO
from typing import Any

import orjson
from rest_framework.exceptions import ParseError
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser, JSONParser
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.serializers import Serializer

from leadsync.infra.bodies import read_body

LINE, PARAGRAPH = "\u2028".encode(), "\u2029".encode()
"""Separators that DRF escapes, because JavaScript once took them for ends of lines."""
FIRST_BYTE = LINE[:1]


class AlwaysJSON(BaseContentNegotiation):
    """Answers JSON whatever the client accepts: a refusal would cost the message."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser:
        return next(iter(parsers))

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        renderer = next(iter(renderers))
        return renderer, str(renderer.media_type)


class LimitedJSONParser(JSONParser):
    """DRF's parser with a limit. DRF's own reads bodies of any size, lets RecursionError through,
    and accepts lone surrogates, which no answer could repeat."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        raw = read_body(parser_context["request"])
        try:
            body = super().parse(BytesIO(raw), media_type, parser_context)
            json.dumps(body, ensure_ascii=False).encode()  # refuses lone surrogates
        except (ParseError, RecursionError, UnicodeEncodeError):
            raise ParseError("The body is not JSON. Send one JSON object.") from None
        return body


class RowsRenderer(JSONRenderer):
    """Writes what DRF's renderer writes, byte for byte, in a tenth of the time.

    For answers without fractions: orjson writes very small and very large ones differently.
    """

    def render(
        self,
        data: Any,
        accepted_media_type: Any = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        if self.get_indent(accepted_media_type, renderer_context or {}) is None:
            try:
                written = orjson.dumps(data, option=orjson.OPT_UTC_Z)
            except orjson.JSONEncodeError:  # such as an integer of more than 64 bits
                pass
            else:
                if FIRST_BYTE not in written:  # found 50 times as fast as three bytes
                    return written
                return written.replace(LINE, rb"\u2028").replace(PARAGRAPH, rb"\u2029")
        return super().render(data, accepted_media_type, renderer_context)


def said_in(request: Request, serializer: type[Serializer[Any]]) -> dict[str, Any]:
    """Return what the body says, as this serializer reads it. Raises ValidationError."""
    body = serializer(data=request.data)
    body.is_valid(raise_exception=True)
    return dict(body.validated_data)
