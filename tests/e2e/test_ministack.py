"""MiniStack: awsvpc tasks whose addresses are real, and an ECS that registers them. It finds every target healthy and
enforces no security group, so what is asserted is traffic, and the API."""

import unittest

from case import Case, with_count
from stand import docker, eventually

# In the VPC, in the range that the engine hands out no address of; nothing has it.
DEAD = ("10.213.1.77", 8080)
# Beyond the VPC, and still in the compose file's network.
OUTSIDE = ("10.213.200.9", 8080)
ANNEX = ("10.213.0.250", 8080)


class MiniStack(Case):
    emulator = "ministack"
    is_shared = True

    def setUp(self):
        super().setUp()
        self.put_right()

    def tasks_of(self, service):
        """(address, port) of a service's containers."""
        return {(address, 8080) for address in self.stand.addresses(service)}

    def some_fail(self):
        """Waits until a request is sent to a target that is not there; the codes that were seen."""
        def seen():
            return {code for code, _ in self.door.many("shop.example.com", 12)}

        codes = eventually("requests to nobody", seen, lambda codes: 502 in codes)
        return " ".join(map(str, sorted(codes)))

    def test_scaled_to_zero(self):
        self.heals("desired count set to 0", "shop", lambda: self.world.count("shop", 0), ["UpdateService"],
                   "registration", "M49", 503)
        self.assertEqual(self.world.service("shop")["desiredCount"], 2)

    def test_rule_deleted(self):
        self.heals("listener rule deleted", "shop", lambda: self.world.delete_rule("shop"), ["CreateRule"], "rule", "M37", 404)
        self.assertEqual((self.world.hosts("shop"), self.world.rule("shop")["Priority"]), (["shop.example.com"], "10"))

    def test_rule_edited(self):
        self.heals("listener rule edited to another host", "shop",
                   lambda: self.world.edit_rule("shop", "shop.example.org"), ["ModifyRule"], "rule", "M41", 404)
        self.assertEqual(self.world.hosts("shop"), ["shop.example.com"])

    def test_target_left_behind(self):
        """A registration that nothing in the VPC has the address of goes; the tasks' stay."""
        def after():
            eventually("targets of shop", lambda: self.world.targets("shop"), lambda seen: seen == self.tasks_of("shop"))
            self.answers("shop")

        self.heals("a dead address of the VPC registered", "shop", lambda: self.world.register("shop", DEAD),
                   ["DeregisterTargets"], "registration", "M28", self.some_fail, after)

    def test_target_from_elsewhere(self):
        """A registration that may be somebody's outside of the VPC is reported, and stays."""
        self.world.register("shop", OUTSIDE)
        before = self.some_fail()
        drift = self.portolan("drift")
        told = [entry for part in ("findings", "blocked") for entry in drift.json[part]
                if entry["object"] == "TargetGroup/shop" and OUTSIDE[0] in entry["what"]]
        self.assertEqual((drift.code, drift.actions(), len(told)), (0, [], 1), drift.text())
        path = self.portolan.path("shop")
        codes = {code for hop in path["hops"] for finding in hop["findings"] for code in finding["codes"]}
        self.assertEqual((path["brokenHop"], codes), ("registration", {"M29"}), path)
        with self.portolan.service() as service:
            service.passes(5)
            self.assertEqual(service.sent(), [])
        self.assertEqual(self.world.targets("shop"), self.tasks_of("shop") | {OUTSIDE})
        self.enter("an address outside of the VPC registered", before, drift.code, "registration M29",
                   "reported, left alone", self.some_fail())
        self.world.deregister("shop", OUTSIDE)

    def test_static_target(self):
        self.heals("static target deregistered", "annex", lambda: self.world.deregister("annex", ANNEX),
                   ["RegisterTargets"], "registration", "declared-target-missing", 503,
                   lambda: self.door.comes_to("annex.example.com", 200))
        self.assertEqual(self.world.targets("annex"), {ANNEX})

    def test_target_deregistered(self):
        """`registrar: portolan`: what ECS knows nothing of is put back."""
        def break_it():
            self.world.deregister("kiosk", *self.world.targets("kiosk"))

        self.heals("both targets deregistered (registrar: portolan)", "kiosk", break_it, ["RegisterTargets"],
                   "registration", "M30", 503)
        self.assertEqual(self.world.targets("kiosk"), self.tasks_of("kiosk"))

    def test_one_target_deregistered(self):
        one, *others = sorted(self.world.targets("kiosk"))
        by_address = self.stand.addresses("kiosk")

        def half():
            self.door.answered_by("kiosk.example.com", lambda: [by_address[address] for address, _ in others], 1)
            return "200, from one of two"

        self.heals("one of two targets deregistered (registrar: portolan)", "kiosk",
                   lambda: self.world.deregister("kiosk", one), ["RegisterTargets"], "registration", "M30", half,
                   degrades=True)

    def test_what_no_request_shows(self):
        """Health check, attributes and ingress are put back, though MiniStack's traffic takes no notice of them."""
        health, attributes = self.world.health_check("shop"), self.world.attributes("shop")
        ingress = self.world.ingress(self.world.task_group)
        expected = ["AuthorizeSecurityGroupIngress", "ModifyTargetGroup", "ModifyTargetGroupAttributes"]

        def break_it():
            self.world.elb.modify_target_group(
                TargetGroupArn=self.world.groups["shop"], HealthCheckPath="/wrong", Matcher={"HttpCode": "418"},
                HealthCheckIntervalSeconds=120, UnhealthyThresholdCount=9)
            self.world.elb.modify_target_group_attributes(
                TargetGroupArn=self.world.groups["shop"],
                Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": "3600"}])
            self.world.close(self.world.task_group)
            self.assertEqual(self.world.ingress(self.world.task_group), set())

        def stands():
            return self.world.health_check("shop"), self.world.attributes("shop"), self.world.ingress(self.world.task_group)

        for by in ("reconcile", "run"):
            break_it()
            drift = self.portolan("drift")
            self.assertEqual((drift.code, drift.actions()), (1, expected), drift.text())
            if by == "reconcile":
                self.applies("reconcile", "--yes")
            else:
                with self.portolan.service() as service:
                    eventually("what stands", stands, lambda seen: seen == (health, attributes, ingress))
                    self.assertEqual(sorted(service.sent()), expected)
            self.assertEqual(stands(), (health, attributes, ingress))
            self.answers("shop")
            self.sees_nothing()
            self.enter("health check, attributes and ingress edited", 200, drift.code, "not observable", by, 200)

    def test_containers_stopped_by_the_engine(self):
        """ECS replaces them and registers what it started. Portolan adds what is its own to add, and fights nobody."""
        def replaced(name):
            before = set(self.stand.tasks(name))
            docker("stop", *before)
            # The engine has ended them; whether the emulator's balancer has noticed shows in the codes on the way.
            codes = self.answers(name)
            self.assertFalse(before & set(self.stand.tasks(name)))
            return codes

        with self.portolan.service() as service:
            codes = replaced("shop")
            service.passes(3)
            self.assertEqual(service.sent(), [])
            self.assertEqual(self.world.targets("shop"), self.tasks_of("shop"))
            self.enter("containers stopped by the engine (registrar: ecs)", codes, "-", "-", "ECS; run sends nothing", 200)
            codes = replaced("kiosk")
            service.passes(2)
            self.assertLessEqual(set(service.sent()), {"RegisterTargets", "DeregisterTargets"})
            self.enter("containers stopped by the engine (registrar: portolan)", codes, "-", "-",
                       "ECS, then run: " + (", ".join(service.sent()) or "nothing, the addresses came back"), 200)
        self.sees_nothing()

    def test_scaled_up_by_the_manifest(self):
        """ECS registers the third task of shop, Portolan the third of kiosk."""
        two = self.portolan.manifest()
        more = with_count(with_count(two, "shop", 3), "kiosk", 3)
        with self.portolan.service() as service:
            self.portolan.declare(more)
            for name in ("shop", "kiosk"):
                self.answers(name, 3)
            service.passes(2)
            self.assertEqual(sorted(set(service.sent())), ["RegisterTargets", "UpdateService"])
            self.assertEqual(service.sent().count("UpdateService"), 2)
        self.assertEqual(self.world.targets("shop"), self.tasks_of("shop"))
        self.assertEqual(self.world.targets("kiosk"), self.tasks_of("kiosk"))
        self.sees_nothing()
        self.enter("desired count raised to 3 in the manifest", "200, from two", "-", "-", "run", "200, from three")
        # One service at a time: the removal budget.
        for name, manifest in (("shop", with_count(more, "shop", 2)), ("kiosk", two)):
            self.portolan.declare(manifest)
            self.applies("reconcile", "--yes")
            # The third task's address is still registered for kiosk, and goes when nothing has it any more.
            eventually(f"targets of {name}", lambda: (self.portolan("reconcile", "--yes").code, self.world.targets(name)),
                       lambda seen: seen == (0, self.tasks_of(name)) and len(seen[1]) == 2)
        self.comes_back("shop", "kiosk")
        self.enter("desired count lowered to 2 in the manifest", "200, from three", "-", "-", "reconcile", "200, from two")

    def test_what_cannot_be_read(self):
        """MiniStack does not know every call: that is a gap, and no difference."""
        answer = self.portolan("drift", "--strict")
        gaps = {gap["call"] for gap in answer.json["gaps"]}
        self.assertEqual((answer.code, answer.json["verdict"], gaps),
                         (3, "incomplete", {"elasticloadbalancing:DescribeAccountLimits"}), answer.text())
        path = self.portolan.path("shop")
        unknown = {hop["hop"] for hop in path["hops"] if hop["state"] == "unknown"}
        self.assertEqual((path["verdict"], unknown), ("unknown", {"target-security-group"}), path)


class Seeded(Case):
    emulator = "ministack"

    def test_seed_is_mended(self):
        """What seed leaves open: kiosk and annex without targets."""
        self.answers("shop")
        for name, code in (("kiosk", 503), ("annex", 503)):
            self.door.comes_to(f"{name}.example.com", code)
        exit_code, finding = self.told("kiosk", ["RegisterTargets", "RegisterTargets"], "registration", "M30")
        self.applies("reconcile", "--yes")
        self.answers("kiosk")
        self.door.comes_to("annex.example.com", 200)
        self.sees_nothing()
        self.enter("nothing registered yet (kiosk, annex)", 503, exit_code, finding, "reconcile", 200)

    def test_web_obeys_sigterm(self):
        """Its first process ends by the trap, and not because the engine loses its patience (137)."""
        annex = self.stand.compose("ps", "-q", "annex").strip()
        docker("stop", "--time", "30", annex)
        self.addCleanup(docker, "start", annex)
        self.assertEqual(docker("inspect", "--format", "{{.State.ExitCode}}", annex).strip(), "0")


if __name__ == "__main__":
    unittest.main()
