"""The colours of the pages: what the accent of a controller must stand out against, and what is
made of it where it is dark. The stylesheet gets them from here."""

from collections.abc import Mapping
from colorsys import hls_to_rgb, rgb_to_hls

READABLE = 4.5  # Source: WCAG 2.2, success criterion 1.4.3 (AA)
ACCENT = "#0b5c57"  # until a catalogue names one
WHITE = "#ffffff"
LIGHT_GROUND = "#f6f7f5"
DARK_GROUND = "#11171c"
DARK_PAPER = "#182027"
_WELL_READABLE = 7.0
_STEPS = 40


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours `#rrggbb`. Source: WCAG 2.2, "contrast ratio"."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def is_readable(accent: str) -> bool:
    """Whether an accent can be read where it is light, and carry white text."""
    return min(contrast(accent, WHITE), contrast(accent, LIGHT_GROUND)) >= READABLE


def in_the_dark(accent: str) -> str:
    """The accent, as much lighter as it takes to be read where it is dark."""
    hue, light, saturation = rgb_to_hls(*(part / 255 for part in _parts(accent)))
    for step in range(_STEPS + 1):
        lighter = light + (1 - light) * step / _STEPS
        found = _rrggbb(*hls_to_rgb(hue, lighter, saturation))
        if contrast(found, DARK_PAPER) >= _WELL_READABLE:
            return found
    return WHITE


def named(accent: str) -> Mapping[str, str]:
    """The colours by the names that the stylesheet has for them."""
    dark = in_the_dark(accent)
    return {
        "accent": accent,
        "dark_accent": dark,
        "on_dark_accent": _rrggbb(*(part / 255 / 5 for part in _parts(dark))),
        "light_ground": LIGHT_GROUND,
        "dark_ground": DARK_GROUND,
        "dark_paper": DARK_PAPER,
    }


def _rrggbb(*parts: float) -> str:
    return "#" + "".join(f"{round(part * 255):02x}" for part in parts)


def _luminance(rrggbb: str) -> float:
    scaled = [part / 255 for part in _parts(rrggbb)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in scaled]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def _parts(rrggbb: str) -> list[int]:
    return [int(rrggbb[at : at + 2], 16) for at in (1, 3, 5)]
