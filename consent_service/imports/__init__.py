"""Other systems' exports in: what they know of people and of their choices."""

from pathlib import Path


def sample_path() -> Path:
    """The sample audience, an e-mail-list export of invented people."""
    return Path(__file__).parent / "sample" / "audience_export.zip"
