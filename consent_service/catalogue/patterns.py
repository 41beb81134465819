"""How keys, codes and origins are written."""

KEY_PATTERN = r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*"
PROFILE_FIELD_PATTERN = r"[a-z][a-z0-9_]*"
VERSION_PATTERN = r"[A-Za-z0-9][A-Za-z0-9._\-]{0,31}"
LANGUAGE_PATTERN = r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*"
JURISDICTION_PATTERN = r"[A-Z]{2}(-[A-Z0-9]{1,3})?"
COUNTRY_PATTERN = r"[A-Z]{2}"
_HOST = r"[a-z0-9](?:[a-z0-9.\-]{0,250}[a-z0-9])?"
ORIGIN_PATTERN = (
    rf"https://{_HOST}(?::[0-9]{{1,5}})?|http://(?:localhost|127\.0\.0\.1)(?::[0-9]{{1,5}})?"
)
