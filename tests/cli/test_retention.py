"""`consent retention`: what is let go, and what never is."""

from tests.conftest import SAMPLE


def test_status_says_how_long_what_is_kept(home, consent):
    assert consent("catalogue", "load", SAMPLE, "--data-dir", home).exit_code == 0
    result = consent("retention", "status", "--data-dir", home)
    assert result.exit_code == 0, result.output
    lines = {" ".join(line.split()) for line in result.output.splitlines()}
    assert "profile: first_name while a purpose needs name" in lines
    assert "profile: other fields, identifiers while the customer is one" in lines
    assert "ended consent: marketing.newsletter 1095 days" in lines
    assert "Nothing was removed yet." in lines
