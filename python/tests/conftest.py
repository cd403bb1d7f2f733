"""What the tests share: instances with seeded dyadic data."""

import signal

import numpy as np
import pytest

pytest_plugins = ["pytester"]


def dyadic(seed, *shape):
    """Multiples of 1/64 in [-1, 1]."""
    return np.random.default_rng(seed).integers(-64, 65, size=shape) / 64


def uneven(n):
    """A target of softmax regression that the origin does not meet."""
    return np.arange(1, n + 1) * (2 / n / (n + 1))


@pytest.fixture
def softmax():
    """A (40, 5), b, w of a softmax regression that converges."""
    b = np.abs(dyadic(2, 40))
    return dyadic(1, 40, 5) * 4, b / b.sum(), np.full(40, 0.25)


@pytest.fixture
def interruptible():
    """Python's own handler, also where the tests run in the background of a shell, which has them ignore the signal."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def pytest_addoption(parser):
    parser.addoption("--calls", type=int, default=100_000, help="calls of the test for growth of memory")
