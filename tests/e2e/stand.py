"""An emulator of AWS in compose, with the engine that runs its tasks' containers: brought up, seeded and taken down."""

import http.client
import json
import os
import re
import subprocess
import sys
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOCALSTACK = ROOT / "localstack"
PROJECT = "portolan-e2e"
PORT = int(os.environ["EMULATOR_PORT"])
ENDPOINT = f"http://127.0.0.1:{PORT}"
WEB = "localhost/portolan/web:1"
# Longer than anything here takes; nothing waits without it. `portolan run` removes nothing in the first minute of a
# manifest, so that a minute would not do.
PATIENCE = 150


def run(*words, **options):
    """A command that must succeed; its standard output."""
    done = subprocess.run(words, text=True, capture_output=True, timeout=180, check=False, **options)
    if done.returncode:
        raise AssertionError(f"{' '.join(map(str, words))} ended with {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done.stdout


def eventually(what, ask, holds, patience=PATIENCE):
    """Asks until the answer is as it should be, and answers it."""
    deadline = time.monotonic() + patience
    while True:
        answer = ask()
        if holds(answer):
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: after {patience} s it is still {answer!r}")
        time.sleep(0.05)


def docker(*words):
    return run("docker", *words)


def ids(*filters):
    """The containers of the engine that all filters take, stopped ones too."""
    given = [word for one in filters for word in ("--filter", one)]
    return docker("ps", "--all", "--quiet", "--no-trunc", *given).split()


def standing(containers):
    """What the engine tells of containers; one that went since they were listed is left out, for emulators remove what stops."""
    if not containers:
        return []
    done = subprocess.run(["docker", "inspect", "--type", "container", *containers],
                          text=True, capture_output=True, timeout=PATIENCE, check=False)
    wrong = [line for line in done.stderr.splitlines() if line.strip() and "no such" not in line.lower()]
    if done.returncode and wrong:
        raise AssertionError(f"docker inspect ended with {done.returncode}\n{done.stderr}")
    return json.loads(done.stdout)


class Stand:
    """One emulator of the compose file, under a project of its own."""

    def __init__(self, emulator):
        self.emulator = emulator
        self.is_fresh = False

    def compose(self, *words, profiles=()):
        chosen = [word for profile in (self.emulator, *profiles) for word in ("--profile", profile)]
        return run(*os.environ["COMPOSE"].split(), "-p", PROJECT, *chosen, *words, cwd=LOCALSTACK)

    def up(self):
        self.compose("up", "-d", "--no-build")
        container = self.compose("ps", "-q", self.emulator).strip()
        state = ["inspect", "--format", "{{.State.Health.Status}}", container]
        eventually(f"{self.emulator} is up", lambda: docker(*state).strip(), lambda state: state == "healthy")
        self.is_fresh = True

    def down(self):
        """Leaves no container and no network, however far things had come."""
        if self.emulator == "ministack":
            # Else it replaces the containers that it stops while it stops.
            self.is_fresh = False
            try:
                self.reset()
            except OSError:
                pass
        self.compose("down", "--volumes", "--remove-orphans", "--timeout", "5", profiles=["portolan"])
        eventually("no task's container is left", self.remove_tasks, lambda left: not left)
        network = f"{PROJECT}_aws"
        if docker("network", "ls", "--quiet", "--filter", f"name=^{network}$"):
            docker("network", "rm", network)

    def remove_tasks(self):
        """Removes the containers of tasks; what is left of them. The engine refuses one that is going already."""
        for container in self.tasks():
            subprocess.run(["docker", "rm", "--force", container], capture_output=True, timeout=PATIENCE, check=False)
        return self.tasks()

    def reset(self):
        """Forgets everything and ends the tasks' containers; LocalEmu cannot, and is started anew."""
        if self.is_fresh:
            return
        if self.emulator == "ministack":
            request = urllib.request.Request(f"{ENDPOINT}/_ministack/reset", method="POST")
            urllib.request.urlopen(request, timeout=PATIENCE).read()
        else:
            self.down()
            self.up()

    def seed(self):
        """What `localstack/seed` makes, by its own account."""
        self.is_fresh = False
        return json.loads(run(sys.executable, LOCALSTACK / "seed", "--endpoint", ENDPOINT, self.emulator))

    def tasks(self, answer=None):
        """The containers of tasks; with an answer, those whose app gives it, running ones only."""
        # The annex is of the same image, and no task: these labels are the emulators'.
        label = {"ministack": "ministack=ecs", "localemu": "localemu.service=ecs"}[self.emulator]
        found = ids(f"ancestor={WEB}", f"label={label}")
        if answer is None:
            return found
        return [one["Id"] for one in standing(found) if one["State"]["Running"] and f"ANSWER={answer}" in one["Config"]["Env"]]

    def addresses(self, answer):
        """The containers of tasks whose app gives that answer, by their address."""
        return {network["IPAddress"]: one["Id"] for one in standing(self.tasks(answer))
                for network in one["NetworkSettings"]["Networks"].values() if network["IPAddress"]}

    def door(self):
        """The load balancer's own port, and the path that leads to it."""
        if self.emulator == "ministack":
            return Door(PORT, "/_alb/public")
        log = self.compose("logs", "--no-color", self.emulator)
        return Door(int(re.findall(r"listener \S+ bound to 0\.0\.0\.0:(\d+)", log)[-1]), "")


class Door:
    """Requests through the load balancer, by a client that knows nothing of AWS."""

    def __init__(self, port, prefix):
        self.port, self.prefix = port, prefix

    def get(self, host, path="/"):
        """The code and the text of the answer."""
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            client.request("GET", self.prefix + path, headers={"Host": host})
            answer = client.getresponse()
            return answer.status, answer.read().decode()
        finally:
            client.close()

    def many(self, host, times):
        """So many answers, to requests that do not wait for each other."""
        with ThreadPoolExecutor(times) as pool:
            return list(pool.map(self.get, [host] * times))

    def comes_to(self, host, code):
        """Waits until a request is answered so."""
        return eventually(f"GET {host}", lambda: self.get(host)[0], lambda got: got == code)

    def answered_by(self, host, containers, count):
        """Waits until so many containers run and answer, all of them, and nothing else does. `containers` tells which run.

        Answers the codes that were seen on the way."""
        codes = set()

        def seen():
            wanted = {container[:12] for container in containers()}
            answers = self.many(host, 12 * count)
            codes.update(code for code, _ in answers)
            return wanted, {text.split(" from ")[-1].strip() if code == 200 else code for code, text in answers}

        eventually(f"answers of {host} from {count} containers", seen,
                   lambda found: len(found[0]) == count and found[0] == found[1])
        return " ".join(map(str, sorted(codes)))
