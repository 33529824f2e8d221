"""How a case goes: break it by hand, see the requests fail, have it told, have it mended, see them answered."""

import re
import time
import unittest

from journal import JOURNAL
from portolan import Portolan
from stand import LOCALSTACK, Stand
from world import World


class Case(unittest.TestCase):
    """A seeded world, for each test, or for those of a class that leave it as declared."""

    emulator = None
    is_shared = False
    world = None
    maxDiff = None

    def run(self, result=None):
        """A test that fails leaves nobody knows what: the next one gets a world of its own."""
        before = len(result.failures) + len(result.errors)
        super().run(result)
        if not self.is_shared or len(result.failures) + len(result.errors) > before:
            type(self).world = None

    @classmethod
    def setUpClass(cls):
        cls.stand = Stand(cls.emulator)
        # What an interrupted run has left would be in the way.
        cls.stand.down()
        cls.addClassCleanup(cls.stand.down)
        cls.stand.up()

    def setUp(self):
        if self.world is None:
            self.stand.reset()
            type(self).world = World(self.stand.seed())
        self.door = self.stand.door()
        self.portolan = Portolan((LOCALSTACK / "fleets" / self.emulator / "fleet.yaml").read_text())
        self.addCleanup(self.portolan.home.cleanup)
        self.since = time.monotonic()

    def host(self, name):
        return f"{name}.example.com"

    def put_right(self):
        """One pass over what seed has left, so that everything is as declared."""
        self.applies("reconcile", "--yes")
        self.sees_nothing()
        self.since = time.monotonic()

    def comes_back(self, *services):
        """The last lines of a test that has declared something else for a while: the world is as at its beginning."""
        self.put_right()
        for name in services:
            self.answers(name)

    def applies(self, *words):
        answer = self.portolan(*words)
        self.assertEqual(answer.code, 0, answer.text())
        self.assertTrue(all(step["result"] == "done" for step in answer.json["steps"]), answer.text())
        return answer

    def sees_nothing(self):
        """Drift is silent."""
        answer = self.portolan("drift")
        self.assertEqual((answer.code, answer.actions(), answer.json["blocked"]), (0, [], []), answer.text())
        return answer

    def told(self, group, actions, hop, code, degrades=False):
        """Drift names the steps and ends with 1; trace names the first broken hop, or the one that lacks capacity."""
        answer = self.portolan("drift")
        self.assertEqual((answer.code, answer.json["verdict"], answer.actions()), (1, "pending", actions), answer.text())
        path = self.portolan.path(group)
        findings = [finding for one in path["hops"] if one["hop"] == hop for finding in one["findings"]]
        known = {name for finding in findings for name in [*finding["codes"], finding["name"]]}
        if degrades:
            # Every request is answered, with less capacity; an emulator may leave a hop of the missing target unknown.
            self.assertEqual({finding["effect"] for finding in findings}, {"degrades"}, path)
            self.assertIn((path["verdict"], path["degraded"]), [("reachable", True), ("unknown", False)], path)
        else:
            self.assertEqual((path["verdict"], path["brokenHop"]), ("broken", hop), path)
        self.assertIn(code, known, path)
        return answer.code, f"{hop} {code}"

    def heals(self, what, name, break_it, actions, hop, code, before, after=None, degrades=False):
        """By hand first, then by a service that runs all the while. `before` and `after` see to the requests."""
        host = self.host(name)
        before = before if callable(before) else lambda number=before: self.door.comes_to(host, number)
        after = after or (lambda: self.answers(name))
        break_it()
        seen = before()
        exit_code, finding = self.told(name, actions, hop, code, degrades)
        self.applies("reconcile", "--yes")
        after()
        self.sees_nothing()
        self.enter(what, seen, exit_code, finding, "reconcile", 200)
        with self.portolan.service() as service:
            service.hold()
            break_it()
            seen = before()
            exit_code, finding = self.told(name, actions, hop, code, degrades)
            service.go_on()
            after()
            service.passes(2)
            self.assertEqual(service.sent(), actions)
        self.sees_nothing()
        self.enter(what, seen, exit_code, finding, "run", 200)

    def answers(self, name, count=2):
        """Waits until every container of the service answers, nothing else does, and no request fails."""
        return self.door.answered_by(self.host(name), lambda: self.stand.tasks(name), count)

    def enter(self, what, before, exit_code, finding, by, after):
        JOURNAL.enter(self.emulator, what, before, exit_code, finding, by, after, since=self.since)
        self.since = time.monotonic()


def with_count(manifest, service, number):
    """The manifest with another desired count of one service."""
    text, found = re.subn(rf"(kind: Service\nmetadata:\n  name: {service}\nspec:\n  desiredCount: )\d+",
                          rf"\g<1>{number}", manifest)
    assert found == 1, manifest
    return text
