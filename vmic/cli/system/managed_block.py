"""Parts of a user's file that belong to vmic, each between two marks. Every other byte stays as it is."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import stat
import tempfile
from collections.abc import Callable, Container, Iterator
from pathlib import Path

import vmic

_PART = (
    r"^# >>> vmic: (?P<id>\S+) >>>\n(?P<inside>(?:(?!# >>> vmic: ).*\n)*?)# <<< vmic: (?P=id) <<<(?:\n|\Z)"
)
_PARTS = re.compile(_PART, re.MULTILINE)
_BEGIN = re.compile(r"^# >>> vmic: (\S+) >>>", re.MULTILINE)


class ManagedBlock:
    """A user's text file, in which a # begins a comment."""

    def __init__(self, path: Path, base: str = "") -> None:
        """Use the file at `path`. A new file begins with `base`, and is deleted when only `base` is left."""
        self.path, self._base = path, base

    def identities(self) -> list[str]:
        """Return the identities of the parts in the file, in their order."""
        return [found["id"] for found in _PARTS.finditer(self._read())]

    def put(self, identity: str, part: str) -> None:
        """Put this part (whole lines) at the end of the file, and remove an older part of the same identity.

        Raises:
            VmicError: The file cannot be read or written, or somebody has broken a mark.
        """
        marked = f"# >>> vmic: {identity} >>>\n{part}# <<< vmic: {identity} <<<\n"

        def with_part(before: str) -> str:
            rest = _without(before, [identity])
            return rest + ("\n" if rest and not rest.endswith("\n") else "") + marked

        self._change(with_part)

    def remove(self, *identities: str) -> bool:
        """Remove these parts. Return False if the file has none of them.

        Raises:
            VmicError: As in `put`.
        """
        return self._change(lambda before: _without(before, identities))

    def _change(self, change: Callable[[str], str]) -> bool:
        with self._alone():
            before = self._read()
            after = change(before)
            if after != before:
                self._check(before)
                self._write(after)
        return after != before

    def _check(self, text: str) -> None:
        whole = {found["id"] for found in _PARTS.finditer(text)}
        for begun in _BEGIN.findall(text):
            if begun not in whole:
                raise vmic.VmicError(
                    f"cannot change {self.path}: the line '# >>> vmic: {begun} >>>' has no matching "
                    f"'# <<< vmic: {begun} <<<'. Remove the lines that belong to it by hand"
                )

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other vmic processes from changing the file during the block."""
        with self._sentences("write"):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)

    def _read(self) -> str:
        with self._sentences("read"):
            try:
                mode = self.path.stat().st_mode
            except FileNotFoundError:
                return self._base
            # A pipe would block, and a device would be replaced by a file.
            if not stat.S_ISREG(mode):
                raise vmic.VmicError(f"cannot change {self.path}: it is not a regular file; move it away")
            # Bytes that are not UTF-8, and line endings, belong to the user and stay.
            return self.path.read_bytes().decode(errors="surrogateescape")

    def _write(self, text: str) -> None:
        """Write the whole file at once, or not at all."""
        with self._sentences("write"):
            if text == self._base and not self.path.is_symlink():
                self.path.unlink()
                return
            target = self.path.resolve()  # may be a link into a user's collection of settings
            mode = target.stat().st_mode & 0o777 if target.exists() else 0o644
            handle, new = tempfile.mkstemp(dir=target.parent)
            with contextlib.ExitStack() as unfinished:
                unfinished.callback(Path(new).unlink)
                with os.fdopen(handle, "wb") as file:
                    file.write(text.encode(errors="surrogateescape"))
                    file.flush()
                    os.fsync(file.fileno())
                Path(new).chmod(mode)
                Path(new).replace(target)
                unfinished.pop_all()

    @contextlib.contextmanager
    def _sentences(self, what: str) -> Iterator[None]:
        try:
            yield
        except vmic.VmicError:
            raise
        except OSError as error:
            raise vmic.VmicError(f"cannot {what} {self.path}: {error.strerror}") from error


def _without(text: str, identities: Container[str]) -> str:
    return _PARTS.sub(lambda found: "" if found["id"] in identities else found[0], text)
