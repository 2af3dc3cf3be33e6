"""Parts of a user's file that belong to vmic, each between two marks. Every other byte stays as it is."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import stat
import tempfile
from collections.abc import Container, Iterator
from pathlib import Path

import vmic

_PART = (
    r"^# >>> vmic: (?P<id>\S+) >>>\n(?P<inside>(?:(?!# >>> vmic: ).*\n)*?)# <<< vmic: (?P=id) <<<(?:\n|\Z)"
)
_PARTS = re.compile(_PART, re.MULTILINE)
_BEGIN = re.compile(r"^# >>> vmic: (\S+) >>>", re.MULTILINE)


@contextlib.contextmanager
def explaining(what: str, path: Path) -> Iterator[None]:
    """Turn an error of the system into one that says that `path` cannot be read or written."""
    try:
        yield
    except vmic.VmicError:
        raise
    except OSError as error:
        raise vmic.VmicError(f"cannot {what} {path}: {error.strerror}") from error


class ManagedBlock:
    """A user's text file, in which a # begins a comment."""

    def __init__(self, path: Path, base: str = "") -> None:
        """Use the file at `path`. A new file begins with `base`, and is deleted when only `base` is left."""
        self.path, self._base = path, base

    def identities(self) -> list[str]:
        """Return the identities of the parts in the file, in their order."""
        return [found["id"] for found in _PARTS.finditer(self._read())]

    def put(self, identity: str, part: str) -> None:
        """Put this part (whole lines) at the end of the file, in place of an older one of this identity."""
        self._change([identity], f"# >>> vmic: {identity} >>>\n{part}# <<< vmic: {identity} <<<\n")

    def remove(self, *identities: str) -> bool:
        """Remove these parts. Return False if the file has none of them."""
        return self._change(identities)

    def _change(self, without: Container[str], addition: str = "") -> bool:
        """Remove these parts, add one, and return whether the file has changed."""
        with self._alone():
            before = self._read()
            after = _PARTS.sub(lambda found: "" if found["id"] in without else found[0], before)
            if addition and after and not after.endswith("\n"):
                after += "\n"
            after += addition
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
                    f"'# <<< vmic: {begun} <<<' below it. Remove that line, and what vmic wrote below it"
                )

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other vmic processes from changing the file during the block."""
        with explaining("write", self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)

    def _read(self) -> str:
        with explaining("read", self.path):
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
        with explaining("write", self.path):
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
