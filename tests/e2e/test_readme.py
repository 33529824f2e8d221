"""The commands that localstack/README.md shows, in their order, as a reader types them: with this run's ports and names."""

import os
import re
import tempfile
import unittest
from pathlib import Path

from portolan import BINARY
from stand import LOCALSTACK, PORT, PROJECT, ROOT, Stand, run


class Readme(unittest.TestCase):
    def test_try_it(self):
        stand = Stand("ministack")
        stand.down()
        self.addCleanup(stand.down)
        page = (LOCALSTACK / "README.md").read_text().split("\n## Profiles")[0]
        commands = re.findall(r"^\$ (.*)$", page, re.MULTILINE)
        self.assertGreater(len(commands), 12)
        script = "\n".join(["set -euo pipefail", *commands])
        for shown, here in (("docker compose", os.environ["COMPOSE"]), ("4566", str(PORT)),
                            ("/var/run/docker.sock", os.environ["DOCKER_SOCK"]), ("../target/debug/portolan", BINARY)):
            self.assertIn(shown, script)
            script = script.replace(shown, here)
        with tempfile.TemporaryDirectory() as programs:
            Path(programs, "portolan").symlink_to(BINARY)
            path = os.pathsep.join([programs, str(ROOT / "target/tmp/e2e/venv/bin"), os.environ["PATH"]])
            said = run("bash", "-c", script, cwd=ROOT, env={**os.environ, "PATH": path, "COMPOSE_PROJECT_NAME": PROJECT})
        self.assertRegex(said, r"(?s)No registered targets.*RegisterTargets.*kiosk from [0-9a-f]{12}")


if __name__ == "__main__":
    unittest.main()
