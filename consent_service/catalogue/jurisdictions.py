"""Codes of jurisdictions."""


def jurisdiction_chain(code: str | None) -> tuple[str, ...]:
    """`US-CA` → (`US-CA`, `US`)."""
    if code is None:
        return ()
    country = code.partition("-")[0]
    return (code,) if code == country else (code, country)
