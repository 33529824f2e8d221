"""LocalEmu: bridge tasks on one instance, each on a host port of its own that ECS reports; nobody registers them, which is
what `registrar: portolan` is for. Its load balancer asks each target for a connection, and no more."""

import unittest

from case import Case, with_count
from stand import docker, eventually

REPAIR = ["AuthorizeSecurityGroupIngress", "RegisterTargets"]


class LocalEmu(Case):
    emulator = "localemu"

    def port(self, container):
        """The host port that the engine has published for a task."""
        return int(docker("port", container, "8080/tcp").split(":")[-1])

    def ports(self):
        return {self.port(container) for container in self.stand.tasks("stall")}

    def registered(self):
        """The ports of the one instance that are registered."""
        targets = self.world.targets("stall")
        self.assertLessEqual(len({name for name, _ in targets}), 1, "the tasks share an instance")
        return {port for _, port in targets}

    def test_two_tasks_on_one_instance(self):
        """Seeded, nothing is registered, and the instance's group is closed."""
        self.assertEqual(self.door.comes_to("stall.example.com", 503), 503)
        exit_code, finding = self.told("stall", REPAIR, "registration", "M30")
        closed = self.portolan.path("stall")
        codes = {code for hop in closed["hops"] for one in hop["findings"] for code in one["codes"]}
        self.assertEqual(codes, {"M30", "M04"}, closed)
        self.applies("reconcile", "--yes")
        self.answers("stall")
        self.assertEqual(self.registered(), self.ports())
        self.sees_nothing()
        self.assertEqual(self.portolan.path("stall")["verdict"], "reachable")
        self.enter("nothing registered, dynamic ports closed", 503, exit_code, finding, "reconcile", 200)

        # One alone: LocalEmu refuses to take a second port of an instance out.
        one, other = sorted(self.world.targets("stall"))
        left = [container for container in self.stand.tasks("stall") if self.port(container) == other[1]]

        def half():
            self.door.answered_by("stall.example.com", lambda: left, 1)
            return "200, from one of two"

        self.heals("one of two targets deregistered (registrar: portolan)", "stall",
                   lambda: self.world.deregister("stall", one), ["RegisterTargets"], "registration", "M30", half,
                   degrades=True)
        self.heals("listener rule deleted", "stall", lambda: self.world.delete_rule("stall"), ["CreateRule"], "rule", "M37", 503)
        self.assertEqual(self.registered(), self.ports())
        self.scaled_to_zero()

    def scaled_to_zero(self):
        """New containers get new ports; those of the old ones stay, unhealthy, and are reported."""
        self.world.count("stall", 0)
        eventually("tasks of stall", lambda: self.stand.tasks("stall"), lambda found: not found)
        before = eventually("GET", lambda: self.door.get("stall.example.com")[0], lambda code: code >= 500)
        drift = self.portolan("drift")
        self.assertEqual((drift.code, drift.actions()), (1, ["UpdateService"]), drift.text())
        with self.portolan.service() as service:
            self.answers("stall")
            self.assertEqual(service.sent(), ["UpdateService", "RegisterTargets"])
        self.enter("desired count set to 0", before, drift.code, "-", "run", 200)

    def test_scaled_up_and_down(self):
        two = self.portolan.manifest()
        with self.portolan.service() as service:
            self.answers("stall")
            self.assertEqual(sorted(service.sent()), REPAIR)
            self.enter("nothing registered, dynamic ports closed", 503, "-", "-", "run", 200)
            self.portolan.declare(with_count(two, "stall", 3))
            self.answers("stall", 3)
            self.assertEqual(self.registered(), self.ports())
            self.enter("desired count raised to 3 in the manifest", "200, from two", "-", "-", "run", "200, from three")
        self.sees_nothing()
        # A lowered count waits for five minutes in `run`, so it is the other verb's turn.
        self.portolan.declare(with_count(two, "stall", 1))
        self.applies("reconcile", "--yes")
        self.answers("stall", 1)
        # Who listens on a host port of an instance that stands is told by nobody: what is left over is reported.
        left = self.registered() - self.ports()
        drift = self.portolan("drift")
        told = [entry["what"] for part in ("findings", "blocked") for entry in drift.json[part]]
        self.assertEqual((drift.code, drift.actions(), len(left)), (0, [], 2), drift.text())
        self.assertTrue(all(any(str(port) in what for what in told) for port in left), drift.text())
        self.enter("desired count lowered to 1 in the manifest", "200, from three", drift.code, "-",
                   "reconcile; two host ports reported", "200, from one")


if __name__ == "__main__":
    unittest.main()
