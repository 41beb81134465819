"""What the tests are made with. Asserts in here explain themselves as those of tests do."""

import pytest

pytest.register_assert_rewrite("tests.support.contract")
