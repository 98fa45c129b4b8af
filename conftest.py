"""What the whole suite shares, doctests included: figures are closed, examples are not timed."""

import sys

import pytest
from hypothesis import settings

settings.register_profile("suite", deadline=None)  # machines are shared and noisy
settings.load_profile("suite")


@pytest.fixture(autouse=True)
def closed_figures():
    """Close what was drawn, if anything was."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")
