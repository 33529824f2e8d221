"""Changes LocalEmu 1.3.2 where it stands, in site-packages, while its image is built: python amend.py

Three things only. It listens on the loopback interface alone, for it runs in the host's network. The tasks that a service
starts belong to the service's group, as on AWS: else nobody can tell whose they are. And a container's cpu and memory are
text, as in ECS's model: AWS's SDKs of typed languages cannot read a task in which they are numbers. Each change must find
its text as often as is said: another version has to be looked at again.
"""

from pathlib import Path

import localemu
import moto

LOOPBACK = [
    (localemu, "runtime/server/twisted.py", 1,
     "TCP4ServerEndpoint(reactor, host_and_port.port)",
     "TCP4ServerEndpoint(reactor, host_and_port.port, interface=host_and_port.host)"),
    (localemu, "services/elbv2/listener_router.py", 1, '_Server(("0.0.0.0", port)', '_Server(("127.0.0.1", port)'),
    (localemu, "services/ecs/docker/task_credentials.py", 1,
     'ThreadingHTTPServer(("0.0.0.0", 0)', 'ThreadingHTTPServer(("127.0.0.1", 0)'),
    (localemu, "services/ecs/docker/task_manager.py", 1, "ports = PortMappings()", 'ports = PortMappings(bind_host="127.0.0.1")'),
]
GROUP = [
    (localemu, "services/ecs/provider.py", 1,
     "    network_configuration: dict | None = None,\n) -> list[str]:",
     "    network_configuration: dict | None = None,\n    group: str | None = None,\n) -> list[str]:"),
    (localemu, "services/ecs/provider.py", 1,
     "                networking_configuration=network_configuration,\n            )",
     "                networking_configuration=network_configuration,\n                group=group,\n            )"),
    (localemu, "services/ecs/provider.py", 2,
     'network_configuration=service_data.get("networkConfiguration"),\n',
     'network_configuration=service_data.get("networkConfiguration"),\n'
     '            group="service:" + service_data.get("serviceName", ""),\n'),
]

TEXT = [
    (moto, "ecs/models.py", 1,
     '        self.cpu = container_def.get("cpu")\n        self.memory = container_def.get("memory")\n',
     '        self.cpu = str(container_def.get("cpu", 0))\n'
     '        self.memory = str(container_def["memory"]) if "memory" in container_def else None\n'),
]

for package, name, times, old, new in LOOPBACK + GROUP + TEXT:
    path = Path(package.__path__[0], name)
    text = path.read_text()
    found = text.count(old)
    if found != times:
        raise SystemExit(f"{name}: {old!r} is there {found} times, not {times}")
    path.write_text(text.replace(old, new))
