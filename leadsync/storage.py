"""Static files storage: hashed names, so that browsers may cache them for ever."""

from typing import Any

from whitenoise.compress import Compressor
from whitenoise.storage import CompressedManifestStaticFilesStorage


class StaticFilesStorage(CompressedManifestStaticFilesStorage):
    """Uses hashed names once `collectstatic` has run, plain ones before, so that no page breaks."""

    manifest_strict = False

    def create_compressor(self, **options: Any) -> Compressor:
        """Only gzip: Brotli takes a minute, and only developers have it."""
        return Compressor(use_brotli=False, **options)

    def hashed_name(self, name: str, content: Any = None, filename: str | None = None) -> str:
        try:
            return super().hashed_name(name, content, filename)
        except ValueError:
            return name
