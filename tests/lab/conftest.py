# SPDX-License-Identifier: BSD-2-Clause
import os

import pytest

from lab import Lab
from lab.apply import Apply


def pytest_configure(config):
    config.addinivalue_line("markers", "lab(**options): what the fixture `lab` gives to Lab()")
    if os.geteuid() != 0:
        # 77 is what automake takes for a skipped test.
        pytest.exit("the lab makes network namespaces, which needs root", returncode=77)


@pytest.fixture
def lab(request):
    """A lab of the test's own, as its marker `lab` wants it."""
    marker = request.node.get_closest_marker("lab")
    with Lab(**(marker.kwargs if marker else {})) as made:
        yield made


@pytest.fixture
def apply(lab):
    """detour-apply, its configuration and the Postfix of the mail host."""
    return Apply(lab)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failed test shows the state of its lab."""
    outcome = yield
    report = outcome.get_result()
    made = getattr(item, "funcargs", {}).get("lab")
    if report.failed and report.when == "call" and made:
        report.sections += list(made.report())
