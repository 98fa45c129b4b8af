"""What the whole suite shares: examples are not timed, for machines are shared and noisy."""

from hypothesis import settings

settings.register_profile("suite", deadline=None)
settings.load_profile("suite")
