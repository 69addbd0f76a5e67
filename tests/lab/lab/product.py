# SPDX-License-Identifier: BSD-2-Clause
"""The programs under test."""

import os
import pathlib

from .wait import LabError


def program(name):
    """The path of one of our programs in the build directory, DETOURD_BUILDDIR."""
    directory = os.environ.get("DETOURD_BUILDDIR")
    if not directory:
        raise LabError("DETOURD_BUILDDIR does not say where the programs were built")
    path = pathlib.Path(directory).resolve() / name
    if not path.exists():
        raise LabError(f"there is no {path}: build it first")
    return path


class Product:
    """Our programs on the mail host."""

    def __init__(self, lab):
        self._lab = lab

    def run(self, name, *arguments, **options):
        """Run a program to its end; options as for Host.run."""
        return self._lab.mailhost.run(program(name), *arguments, **options)
