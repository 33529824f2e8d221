"""The binary, as a person or a service manager starts it."""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from stand import ENDPOINT, ROOT, eventually

BINARY = os.environ.get("PORTOLAN", str(ROOT / "target/debug/portolan"))

# So many lines of the service's log are printed when a test fails.
LAST = 40


class Answer:
    """What one run said."""

    def __init__(self, code, stdout, stderr):
        self.code, self.stdout, self.stderr = code, stdout, stderr
        self.json = json.loads(stdout)

    def actions(self):
        return sorted(step["action"] for step in self.json["steps"])

    def text(self):
        return f"exit {self.code}\n{self.stdout}\n{self.stderr}"


class Portolan:
    """A manifest in a folder of its own, and the endpoint."""

    def __init__(self, manifest):
        self.home = tempfile.TemporaryDirectory()
        self.file = Path(self.home.name, "fleet.yaml")
        self.declare(manifest)

    def declare(self, manifest):
        """Puts another manifest in its place at once, as `run` wants it."""
        other = self.file.with_suffix(".new")
        other.write_text(manifest)
        other.rename(self.file)

    def manifest(self):
        return self.file.read_text()

    def words(self, *words):
        environment = {"HOME": self.home.name, "PATH": os.environ["PATH"], "AWS_ACCESS_KEY_ID": "test",
                       "AWS_SECRET_ACCESS_KEY": "test", "AWS_EC2_METADATA_DISABLED": "true"}
        given = [BINARY, *words, "-f", str(self.file), "--endpoint-url", ENDPOINT]
        return {"args": given, "env": environment, "text": True, "stdin": subprocess.DEVNULL}

    def __call__(self, *words):
        done = subprocess.run(**self.words(*words, "-o", "json"), capture_output=True, timeout=60, check=False)
        return Answer(done.returncode, done.stdout, done.stderr)

    def path(self, target_group):
        """What trace says of the way to a target group."""
        answer = self("trace")
        found = [path for path in answer.json["paths"] if path["targetGroup"] == target_group]
        assert len(found) == 1, answer.text()
        return found[0]

    def service(self):
        return Service(self)


class Service:
    """`portolan run` as a process. It can be held still, so that what is broken by hand is seen before it is mended."""

    def __init__(self, portolan):
        words = portolan.words("run", "--interval", "1s", "--listen", "none", "--log-format", "json")
        self.process = subprocess.Popen(**words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.lines, self.rest = [], []
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stderr:
            try:
                self.lines.append(json.loads(line))
            except ValueError:
                self.rest.append(line)

    def __enter__(self):
        self.passes(1)
        return self

    def __exit__(self, kind, error, trace):
        self.process.send_signal(signal.SIGCONT)
        self.process.terminate()
        code = self.process.wait(timeout=40)
        self.reader.join(timeout=10)
        self.process.stderr.close()
        if kind is not None:
            # What the service said is the only witness of why it did nothing.
            said = [json.dumps(line) for line in self.lines[-LAST:]] + [line.rstrip() for line in self.rest[-LAST:]]
            print("\nwhat `portolan run` said last:", *said, sep="\n  ", file=sys.stderr)
        if kind is None:
            assert code == 143 and re.search(r"stopped \(exit 143\)", "".join(self.rest)), (code, self.rest)

    def said(self, message):
        return [line for line in list(self.lines) if line.get("message") == message]

    def passes(self, more):
        """Waits for so many more passes."""
        wanted = len(self.said("pass finished")) + more
        eventually("passes of run", lambda: len(self.said("pass finished")), lambda number: number >= wanted)

    def sent(self):
        """The operations that it has sent to AWS to change something, in their order."""
        return [line["operation"] for line in self.said("sending")]

    def hold(self):
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self):
        self.process.send_signal(signal.SIGCONT)
