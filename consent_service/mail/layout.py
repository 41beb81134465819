"""How a letter looks: plain text and HTML from the same words. No image, nothing loaded."""

from html import escape

from consent_service.mail.model import Letter

_PAGE = """<!doctype html>
<html lang="{language}" dir="{direction}">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">\
<meta name="color-scheme" content="light dark"><title>{subject}</title></head>
<body style="margin:0;padding:24px;font-family:system-ui,sans-serif;font-size:16px;line-height:1.5">
<div style="max-width:36em;margin:0 auto">
<p style="font-weight:bold">{site}</p>
{before}
<p><a href="{link}" style="display:inline-block;padding:12px 20px;border-radius:8px;\
background:#0b5c57;color:#ffffff;text-decoration:none;font-weight:bold">{label}</a></p>
<p dir="ltr" style="font-size:14px;word-break:break-all">{link}</p>
{after}
</div>
</body>
</html>
"""


def write(
    to: str,
    language: str,
    direction: str,
    site: str,
    subject: str,
    before: tuple[str, ...],
    link: tuple[str, str],
    after: tuple[str, ...],
) -> Letter:
    """A letter with one link, (label, address), between paragraphs."""
    label, address = link
    text = "\n\n".join((site, *before, f"{label}:\n{address}", *after)) + "\n"
    html = _PAGE.format(
        language=language,
        direction=direction,
        subject=escape(subject),
        site=escape(site),
        before=_paragraphs(before),
        link=escape(address),
        label=escape(label),
        after=_paragraphs(after),
    )
    return Letter(to, language, subject, text, html)


def _paragraphs(texts: tuple[str, ...]) -> str:
    return "\n".join(f"<p>{escape(text)}</p>" for text in texts)
