# SPDX-License-Identifier: Apache-2.0
"""What a collector keeps over a restart, as files in a folder: templates, and how far it came.

Templates are written soon after they change. Sequence numbers are written only as far as the rows up
to them are safe in every sink that promises so: after a crash the next run then counts as missing
exactly what was received and not stored, along with what was not received.

For that, such a sink ends its files only at a *cut*: a moment at which every worker has given out all
rows that its sequence numbers count.
"""

from __future__ import annotations

import fcntl
import logging
import os
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from penstock.errors import ConfigError, DecodeError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from penstock import _core
    from penstock.pipeline.stage import Stage


class Folder:
    """The files of one collector; one process at a time has them."""

    def __init__(self, path: str, workers: int) -> None:
        """Makes the folder where it is missing, and takes it.

        Raises:
            ConfigError: it cannot be made or written to, or another process has it.
        """
        self._path = Path(path)
        self._workers = workers
        self._due: dict[str, bytes] = {}
        self._changed = threading.Condition()
        self._closing = False
        self._layout_is_ours = False
        try:
            self._path.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(self._path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ConfigError(
                f"state: {path}: another collector has this folder; name another one"
            ) from error
        except OSError as error:
            raise ConfigError(f"state: {path}: {error.strerror}; name another folder") from error
        self._thread = threading.Thread(target=self._keep, name="state", daemon=True)
        self._thread.start()

    def restore(self, collector: _core.Collector, worker: int, now_ns: int) -> None:
        """Gives a worker what it knew; files that are damaged are set aside, and said."""
        for suffix in self._known_to(worker):
            # One at a time, so that a damaged file spoils nothing but itself.
            templates = self._path / f"templates-{suffix}"
            if templates.exists():
                octets = templates.read_bytes()
                self._unless_damaged(templates, collector, octets, None, now_ns)
            sequences = self._path / f"sequences-{suffix}"
            if sequences.exists():
                octets = sequences.read_bytes()
                self._unless_damaged(sequences, collector, None, octets, now_ns)

    def write_templates(self, worker: int, octets: bytes) -> None:
        """Keeps the templates of a worker, soon: who receives must not wait for a disk."""
        with self._changed:
            self._due[f"templates-{worker}-of-{self._workers}"] = octets
            self._changed.notify()

    def write_sequences(self, worker: int, octets: bytes) -> None:
        """Keeps the sequence numbers of a worker."""
        self._write(f"sequences-{worker}-of-{self._workers}", octets)

    def _forget_other_layouts(self) -> None:
        """Removes what was kept for another number of workers, now that ours is being written."""
        if not all(
            (self._path / f"templates-{worker}-of-{self._workers}").exists()
            for worker in range(self._workers)
        ):
            self._layout_is_ours = False
            return
        for path in self._path.glob("*-of-*"):
            if path.name.rpartition("-of-")[2] != str(self._workers):
                path.unlink(missing_ok=True)

    def close(self) -> None:
        """Writes what is due, and lets another process have the folder."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join()
        os.close(self._lock)

    def _keep(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._due or self._closing)
                if not self._due:
                    return
                name = next(iter(self._due))
                octets = self._due.pop(name)
            self._write(name, octets)
            if not self._layout_is_ours:
                self._layout_is_ours = True
                self._forget_other_layouts()

    def _known_to(self, worker: int) -> list[str]:
        """Which files hold what a worker needs: its own, or all of another number of workers."""
        suffixes = sorted({path.name.partition("-")[2] for path in self._path.glob("*-of-*")})
        mine = [suffix for suffix in suffixes if suffix.endswith(f"-of-{self._workers}")]
        if mine:
            return [suffix for suffix in mine if suffix == f"{worker}-of-{self._workers}"]
        return suffixes

    def _unless_damaged(
        self,
        path: Path,
        collector: _core.Collector,
        templates: bytes | None,
        sequences: bytes | None,
        now_ns: int,
    ) -> None:
        try:
            collector.restore(templates, sequences, now_ns)
        except DecodeError as error:
            path.replace(path.with_name(f".{path.name}.damaged"))
            LOG.warning("%s: %s; going on without it", path, error)

    def _write(self, name: str, octets: bytes) -> None:
        try:
            write_whole(self._path / name, octets)
        except OSError as error:
            # What is collected goes on; only a restart would know less.
            LOG.warning("%s: %s", self._path / name, error.strerror)


class Cuts:
    """Where all the workers of a collector stood together, and which of that is safe."""

    def __init__(self, folder: Folder, streams: Sequence[str], stages: Sequence[Stage]) -> None:
        self._folder = folder
        self._streams = streams
        self._promising = [stage for stage in stages if stage.promises]
        self._changed = threading.Condition()
        self._asked = False
        self._making = False
        self._ended = False
        self._at: dict[int, tuple[int, bytes]] = {}
        self._pending: list[dict[int, tuple[int, bytes]]] = []
        self._asked_s = time.monotonic()
        for stage in self._promising:
            stage.flushes_itself = False
            stage.on_safe.append(self.review)

    def wanted(self) -> bool:
        """Whether workers are to come to a cut: a sink wants to end its files, or none ever will."""
        if not self._asked:
            if self._promising:
                self._asked = any(stage.asks_for_flush for stage in self._promising)
            else:
                self._asked = time.monotonic() - self._asked_s >= WITHOUT_PROMISES_S
        return self._asked

    def arrive(self, worker: int, first_after: int, sequences: bytes) -> None:
        """A worker has given out all that it counted; waits for the others.

        Args:
            worker: which.
            first_after: the number of its next batch.
            sequences: its sequence numbers.
        """
        with self._changed:
            self._at[worker] = (first_after, sequences)
            if len(self._at) < len(self._streams):
                self._changed.wait_for(lambda: worker not in self._at or self._ended, TOGETHER_S)
                self._changed.wait_for(lambda: not self._making)
                self._at.pop(worker, None)
                return
            self._making = True
            self._pending.append(dict(self._at))
            if len(self._pending) > MOST_PENDING:
                del self._pending[0]
        # Without the lock, which a sink needs to get on; the others wait until this is done.
        for stage in self._promising:
            if stage.asks_for_flush:
                stage.flush_soon()
        with self._changed:
            self._at.clear()
            self._asked = self._making = False
            self._asked_s = time.monotonic()
            self._changed.notify_all()
        if not self._promising:
            self.review()

    def end(self, sequences: dict[int, tuple[int, bytes]]) -> None:
        """The workers have ended, each where this says; what is safe by then is written."""
        with self._changed:
            self._ended = True
            self._pending.append(sequences)
            self._changed.notify_all()
        self.review()

    def review(self) -> None:
        """Writes the latest cut up to which everything is safe."""
        with self._changed:
            safe = [number for number, cut in enumerate(self._pending) if self._is_safe(cut)]
            if not safe:
                return
            latest = self._pending[safe[-1]]
            del self._pending[: safe[-1] + 1]
            for worker, (_, octets) in latest.items():
                self._folder.write_sequences(worker, octets)

    def _is_safe(self, cut: dict[int, tuple[int, bytes]]) -> bool:
        for stage in self._promising:
            for worker, (first_after, _) in cut.items():
                first_unsafe = stage.first_unsafe(self._streams[worker])
                if first_unsafe is not None and first_unsafe < first_after:
                    return False
        return True


def write_whole(path: Path, octets: bytes) -> None:
    """Replaces a file by another that is on the disk, in one step.

    Raises:
        OSError: it could not be; the file is as it was.
    """
    aside = path.with_name(f".{path.name}.part")
    with aside.open("wb") as out:
        out.write(octets)
        out.flush()
        os.fsync(out.fileno())
    aside.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


LOG = logging.getLogger("penstock.state")

MOST_PENDING = 64
"""Cuts that wait for sinks; more would be kept only for sinks that hold back for hours."""

TOGETHER_S = 5.0
"""How long a worker waits for the others to come to a cut before it goes on without one."""

WITHOUT_PROMISES_S = 10.0
"""Between cuts where no sink promises anything, and every moment is as good as another."""
