# SPDX-License-Identifier: BSD-2-Clause
"""A small internet in namespaces, with real mail servers.  See lab.Lab."""

from .lab import Lab
from .wait import LabError, wait_until

__all__ = ["Lab", "LabError", "wait_until"]
