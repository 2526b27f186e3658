# SPDX-License-Identifier: Apache-2.0
"""A file that is whole and on the disk, or not there at all.

It is written under a hidden name ending in ``.part`` and gets its own once it is complete, so that
readers never meet half of one.
"""

from __future__ import annotations

import errno
import itertools
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class WholeFile:
    """One file on its way to its name."""

    def __init__(self, folder: Path, stem: str, ending: str) -> None:
        self._folder, self._stem, self._ending = folder, stem, ending
        self._part = folder / f".{stem}.{os.getpid()}-{next(NUMBERS)}.part"
        self.out = self._part.open("wb")
        """What is written to."""

    @property
    def octets(self) -> int:
        """Octets written so far."""
        return self.out.tell()

    def publish_numbered(self) -> None:
        """Gives it the first of ``STEM-0001ENDING``, ``STEM-0002ENDING`` … that is free.

        What has such a name already stays.
        """
        self._complete()
        number = 1
        while True:
            name = self._folder / f"{self._stem}-{number:04}{self._ending}"
            try:
                # A link, unlike a rename, refuses to replace what is there.
                name.hardlink_to(self._part)
            except FileExistsError:
                number += 1
                continue
            except OSError as error:
                if error.errno not in (errno.EPERM, errno.ENOTSUP) or name.exists():
                    raise
                self._part.rename(name)  # a file system without links
            self._part.unlink(missing_ok=True)
            break
        self._sync_folder()

    def publish_as(self, name: Path) -> None:
        """Gives it that name, in place of what has it now."""
        self._complete()
        self._part.replace(name)
        self._sync_folder()

    def discard(self) -> None:
        """Leaves nothing behind."""
        self.out.close()
        self._part.unlink(missing_ok=True)

    def _complete(self) -> None:
        self.out.flush()
        os.fsync(self.out.fileno())
        self.out.close()

    def _sync_folder(self) -> None:
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


NUMBERS = itertools.count()
"""Tells files apart that are written at the same time."""
