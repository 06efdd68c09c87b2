"""Makes the admin's fonts small: `python -m tests.fonts` cuts those of Unfold to what is shown.

Whole, they are two thirds of what a first visit loads: 3,800 icons, and every alphabet.
"""

import re
from pathlib import Path

import unfold
from fontTools import subset
from fontTools.ttLib import TTFont

ROOT = Path(__file__).resolve().parent.parent
OURS = ROOT / "leadsync" / "fonts"
UNFOLD = Path(unfold.__file__).parent
THEIRS = UNFOLD / "static" / "unfold" / "fonts"
ICONS = "material-symbols/Material-Symbols-Outlined.woff2"
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789_"
ALPHABET = [*range(0x20, 0x180), *map(ord, "–—‘’“”…•←↑→↓€−×✓")]
FEATURES = ["kern", "liga", "calt", "tnum", "ccmp", "locl", "mark", "mkmk"]
NAME = re.compile(r"""(?<=["'>}])\s*([a-z][a-z0-9_]+)\s*(?=["'<{])""")
"""A word alone between quotes or tags, also those of templates."""


def main() -> None:
    icons = opened(THEIRS / ICONS)
    names = names_of(icons)
    shown = sorted(names[one] for one in names_in_pages() & names.keys())
    # Without closure: else each icon that can be spelt with these letters stays.
    spelt = subset.Options(layout_closure=False, layout_features=["*"])
    _keep(icons, ICONS, spelt, glyphs=shown, unicodes=[ord(letter) for letter in LETTERS])
    for font in sorted(THEIRS.glob("inter/*.woff2")):
        latin = subset.Options(layout_features=FEATURES, drop_tables=["FFTM"])
        _keep(opened(font), f"inter/{font.name}", latin, unicodes=ALPHABET)


def opened(font: Path) -> TTFont:
    """Open a font that is the same bytes whenever it is saved."""
    return TTFont(font, recalcTimestamp=False)


def names_in_pages() -> set[str]:
    """Return all that may name an icon, in templates, scripts, styles and Python, Unfold's too."""
    files = [
        *UNFOLD.rglob("*.html"),
        *UNFOLD.rglob("*.py"),
        UNFOLD / "static" / "unfold" / "js" / "app.js",
        UNFOLD / "static" / "unfold" / "css" / "styles.css",  # ticks, clocks and calendars
        *(
            file
            for app in ("contacts", "leadsync", "monitoring", "sarah")
            for kind in ("*.html", "*.py", "*.js", "*.css")
            for file in (ROOT / app).rglob(kind)
            if "migrations" not in file.parts
        ),
    ]
    return {word for file in files for word in NAME.findall(file.read_text())}


def names_of(icons: TTFont) -> dict[str, str]:
    """Return the glyph of each icon by the name that a page writes for it: a ligature."""
    letters = {glyph: chr(code) for code, glyph in icons.getBestCmap().items()}
    found = {}
    for lookup in icons["GSUB"].table.LookupList.Lookup:
        for table in lookup.SubTable:
            for first, ligatures in getattr(table, "ExtSubTable", table).ligatures.items():
                for one in ligatures:
                    name = "".join(letters[part] for part in (first, *one.Component))
                    found[name] = one.LigGlyph
    return found


def _keep(font: TTFont, name: str, options: subset.Options, **kept: object) -> None:
    options.hinting = False
    cutter = subset.Subsetter(options)
    cutter.populate(**kept)
    cutter.subset(font)
    font.flavor = "woff2"
    target = OURS / name
    target.parent.mkdir(parents=True, exist_ok=True)
    font.save(target)


if __name__ == "__main__":
    main()
