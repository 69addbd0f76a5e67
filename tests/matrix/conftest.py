# SPDX-License-Identifier: BSD-2-Clause
"""The fixtures of tests/lab, and the methods."""

import importlib.util
import pathlib
import sys

import pytest

LAB = pathlib.Path(__file__).resolve().parents[1] / "lab"
sys.path.insert(0, str(LAB))
_spec = importlib.util.spec_from_file_location("lab_conftest", LAB / "conftest.py")
_conftest = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_conftest)

lab = _conftest.lab
pytest_configure = _conftest.pytest_configure
pytest_runtest_makereport = _conftest.pytest_runtest_makereport


@pytest.fixture(params=["relayhost", "transport"])
def method(request):
    """How the route is written: see `method` in detourd.conf(5)."""
    return request.param
