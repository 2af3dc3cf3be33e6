"""Words and sentences that this project does not use, each with its replacement."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# "attendees" is a word of Janus, used in its messages.
ANYWHERE = {
    "mourn": "on_owner_exit",
    "bereaved": "owner_exited",
    "stranger": "foreign stream",
    "ledger": "write queue",
    "revival": "reconnect",
    "sweeping": "remove orphans",
    r"attendee(?!s\b)": "commands",
    "wishes": "settings",
    "cushion": "prebuffer",
    "hungry": "waiting_for_data",
}
NAMES = {
    "agency": "worker client",
    "away": "disconnected",
    "company": "session listener",
    "condition": "status",
    "course": "controller",
    "dialect": "server profile",
    "feed": "scheduler",
    "gone": "done",
    "heed": "on_stdin",
    "least": "min",
    "lifetime": "atexit",
    "marks": "properties",
    "most": "max",
    "news": "notifier",
    "outlet": "sink I/O",
    "owed": "pending silence",
    "quick": "nonblocking",
    "recent": "history",
    "recipe": "spec",
    "reserve": "headroom",
    "rest": "suspend",
    "resting": "suspended",
    "revive": "reconnect",
    "rounds": "period",
    "settling": "wait",
    "standing": "status",
    "stands": "stalled",
    "steps": "quantum",
    "taken": "consumed",
    "telling": "notifier",
    "tuning": "buffer metrics",
    "turns": "FIFO lock",
    "waking": "wakeup",
}
# These apply to the pages that users read.
SENTENCES = {
    r"(^|[.:;] )(Who|What|That one) (?![^.]*\?)": "name the actor",
    r"\bof vmic's\b": "say of vmic",
    r"\b(is|are) told\b|\btells of\b": "say reports, or receives",
    r"\bfor want of\b|\bis heeded\b|\bare heeded\b": "use plain words",
}
PAGES = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "docs/*.md")
SELF = "scripts/python/vocabulary.py"  # excluded like the changelog, which lists what was renamed


def rejected_words() -> Iterator[str]:
    """Yield each use of a word of ANYWHERE, in any file."""
    pattern = "|".join(ANYWHERE)
    grep = subprocess.run(
        ["git", "grep", "-nIiP", pattern, "--", ".", f":!{SELF}", ":!CHANGELOG.md"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    for line in grep.stdout.splitlines():
        file, number, text = line.split(":", 2)
        word = next(word for word in ANYWHERE if re.search(word, text, re.IGNORECASE))
        yield f"{file}:{number}: {word}: say {ANYWHERE[word]}"


def rejected_names() -> Iterator[str]:
    """Yield each module, class, public function or attribute of vmic with a word of NAMES in its name."""
    for path in sorted((ROOT / "vmic").rglob("*.py")):
        file = path.relative_to(ROOT)
        names = [(1, path.stem)]
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                if isinstance(node, ast.ClassDef) or node.name[0] != "_":
                    names.append((node.lineno, node.name))
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                names.append((node.lineno, node.target.id))
            elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and node.attr[0] != "_":
                names.append((node.lineno, node.attr))
        for line, name in names:
            for word in re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower().split("_"):
                if word in NAMES:
                    yield f"{file}:{line}: {name}: say {NAMES[word]}"


def rejected_sentences() -> Iterator[str]:
    """Yield each sentence of SENTENCES in a page."""
    for path in sorted(path for pattern in PAGES for path in ROOT.glob(pattern)):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            for pattern, advice in SENTENCES.items():
                if found := re.search(pattern, line):
                    yield f"{path.relative_to(ROOT)}:{number}: {found[0].strip()!r}: {advice}"


if __name__ == "__main__":
    found = [*rejected_words(), *rejected_names(), *rejected_sentences()]
    print(*found, sep="\n", end="\n" if found else "")
    sys.exit(bool(found))
