"""Portolan's own image beside the emulator in the compose file: for people who want to watch the service at work."""

import json
import os
import unittest
import urllib.request

from case import Case
from stand import docker, eventually


class InCompose(Case):
    emulator = "ministack"

    def test_watch_it(self):
        for name in ("kiosk", "annex"):
            self.door.comes_to(f"{name}.example.com", 503)
        self.stand.compose("up", "-d", "--no-build", "portolan", profiles=["portolan"])
        self.answers("kiosk")
        self.door.comes_to("annex.example.com", 200)
        self.enter("nothing registered yet (kiosk, annex)", 503, "-", "-", "run, in compose", 200)
        self.world.delete_rule("shop")
        self.door.comes_to("shop.example.com", 200)

        def status():
            with urllib.request.urlopen(f"http://127.0.0.1:{os.environ['PORTOLAN_PORT']}/api/v1/status", timeout=10) as answer:
                return {one["object"]: one["inSync"] for one in json.load(answer)["objects"]}

        eventually("status", status, lambda objects: objects and all(objects.values()))
        container = self.stand.compose("ps", "-q", "portolan", profiles=["portolan"]).strip()
        docker("stop", "--time", "30", container)
        self.assertEqual(docker("inspect", "--format", "{{.State.ExitCode}}", container).strip(), "143")


if __name__ == "__main__":
    unittest.main()
