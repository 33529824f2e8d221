"""What was seen: a line for each case, printed when it ends and gathered as a table of Markdown."""

import os
import sys
import time
from pathlib import Path

from stand import ROOT

FILE = Path(os.environ.get("JOURNAL", ROOT / "target/tmp/e2e/journal.md"))
HEAD = ["emulator", "what was broken by hand", "before", "drift", "trace", "mended by", "after", "s"]


class Journal:
    """The table of one run."""

    def __init__(self):
        FILE.parent.mkdir(parents=True, exist_ok=True)
        if not FILE.exists():
            self.write(HEAD)
            self.write(["---"] * len(HEAD))

    def write(self, cells):
        with FILE.open("a") as file:
            file.write(f"| {' | '.join(map(str, cells))} |\n")

    def enter(self, *cells, since):
        cells = [*cells, f"{time.monotonic() - since:.1f}"]
        self.write(cells)
        print("   ", " | ".join(map(str, cells)), file=sys.stderr, flush=True)


JOURNAL = Journal()
