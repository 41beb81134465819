"""A curve as SVG: sizes on a logarithmic scale, milliseconds on one that begins at 0."""

from math import ceil, floor, log10

_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _TOP = 640, 320, 56, 40, 16
_STYLE = """text{font:12px system-ui,sans-serif;fill:#555}line{stroke:#ccc}circle{fill:#1a66c2}
.curve{fill:none;stroke:#1a66c2;stroke-width:2}.spread{stroke:#1a66c2;opacity:.4}
@media(prefers-color-scheme:dark){text{fill:#bbb}line{stroke:#444}circle{fill:#7ab3ff}
.curve,.spread{stroke:#7ab3ff}}"""


def _round_step(most):
    """The least of 1, 2 or 5 times a power of ten that needs at most five steps to `most`."""
    power = 10.0 ** floor(log10(most / 5))
    return next(power * times for times in (1, 2, 5, 10) if power * times * 5 >= most)


def draw(path, points):
    """Writes the file; `points` are sizes, each with a `Spread` of milliseconds."""
    step = _round_step(max(spread.most for spread in points.values()))
    steps = ceil(max(spread.most for spread in points.values()) / step)
    most = steps * step
    sizes = [log10(size) for size in points]
    first, span = sizes[0], sizes[-1] - sizes[0]

    def across(size):
        return _LEFT + (log10(size) - first) / span * (_WIDTH - _LEFT - 40)

    def up(value):
        return _HEIGHT - _BOTTOM - value / most * (_HEIGHT - _BOTTOM - _TOP)

    box = f'viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img"'
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" {box}>',
             "<title>Milliseconds of one check, by customers in the store</title>",
             f"<style>{_STYLE}</style>"]  # fmt: skip
    for value in (step * nth for nth in range(steps + 1)):
        parts.append(
            f'<line x1="{_LEFT}" x2="{_WIDTH - 20}" y1="{up(value):.1f}" y2="{up(value):.1f}"/>'
        )
        parts.append(
            f'<text x="{_LEFT - 8}" y="{up(value) + 4:.1f}" text-anchor="end">{value:g}</text>'
        )
    for size, spread in points.items():
        x = across(size)
        parts.append(f'<line class="spread" x1="{x:.1f}" x2="{x:.1f}" '
                     f'y1="{up(spread.least):.1f}" y2="{up(spread.most):.1f}"/>')  # fmt: skip
        parts.append(f'<circle cx="{x:.1f}" cy="{up(spread.median):.1f}" r="4"/>')
        parts.append(f'<text x="{x:.1f}" y="{_HEIGHT - 16}" text-anchor="middle">{size:,}</text>')
    line = " ".join(f"{across(size):.1f},{up(one.median):.1f}" for size, one in points.items())
    parts += [f'<polyline class="curve" points="{line}"/>', "</svg>"]
    path.write_text("\n".join(parts) + "\n")
