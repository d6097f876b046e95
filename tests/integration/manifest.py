# SPDX-License-Identifier: GPL-2.0-or-later
"""manifest - judges the DaemonSet of contrib/kubernetes: manifest.py [--script] FILE

Prints what is wrong, a line each. With --script it prints the script that the container runs.
"""
import sys
from collections.abc import Iterator

import yaml


def keys(what: str, got: dict, known: str) -> Iterator[str]:
    """What Kubernetes does not know it refuses; these are all that are needed here."""
    yield from (f"{what}: {key} is no key of it" for key in sorted(set(got) - set(known.split())))


def judge(daemon: dict) -> Iterator[str]:
    if (daemon.get("apiVersion"), daemon.get("kind")) != ("apps/v1", "DaemonSet"):
        yield "it is no DaemonSet of apps/v1"
    yield from keys("DaemonSet", daemon, "apiVersion kind metadata spec")
    spec = daemon["spec"]
    yield from keys("spec", spec, "selector template updateStrategy")
    labels = spec["template"]["metadata"]["labels"]
    wanted = spec["selector"]["matchLabels"]
    if not wanted or not wanted.items() <= labels.items():
        yield "its selector does not match the labels of its pods"
    yield from judge_pod(spec["template"]["spec"])


def judge_pod(pod: dict) -> Iterator[str]:
    yield from keys(
        "pod",
        pod,
        "automountServiceAccountToken terminationGracePeriodSeconds tolerations containers volumes",
    )
    if pod.get("automountServiceAccountToken") is not False:
        yield "it gets a token"
    if len(pod["containers"]) != 1:
        yield "there is one container"
    for container in pod["containers"]:
        yield from judge_container(container)
    yield from judge_volumes(pod)


def judge_container(container: dict) -> Iterator[str]:
    yield from keys(
        "container", container, "name image command args securityContext resources volumeMounts"
    )
    name, _, tag = container["image"].rpartition(":")
    if not name or tag in ("", "latest") or not name.startswith("example.com/"):
        yield f"image: {container['image']}"
    resources = container["resources"]
    for kind in ("requests", "limits"):
        if set(resources.get(kind, {})) != {"cpu", "memory"}:
            yield f"resources: {kind}"
    allowed = {
        "runAsUser": 0,
        "privileged": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"], "add": ["SYS_ADMIN"]},
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    if container["securityContext"] != allowed:
        yield f"securityContext: {container['securityContext']}"


def judge_volumes(pod: dict) -> Iterator[str]:
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    mounts = [mount for container in pod["containers"] for mount in container["volumeMounts"]]
    mounted = {mount["name"] for mount in mounts}
    yield from (f"volume {name} is not mounted" for name in sorted(set(volumes) - mounted))
    yield from (f"mount {name} has no volume" for name in sorted(mounted - set(volumes)))
    for volume in volumes.values():
        yield from keys("volume", volume, "name hostPath")
        if volume["hostPath"] != {"path": "/var/lib/prometheus/node-exporter", "type": "Directory"}:
            yield f"volume: {volume['hostPath']}"
    container = pod["containers"][0]
    for mount in mounts:
        if f"--output={mount['mountPath']}/" not in container["args"][0]:
            yield f"nothing is written into {mount['mountPath']}"


def main() -> int:
    with open(sys.argv[-1]) as file:
        documents = list(yaml.safe_load_all(file))
    if len(documents) != 1:
        sys.exit("one document is expected")
    if "--script" in sys.argv:
        print(documents[0]["spec"]["template"]["spec"]["containers"][0]["args"][0], end="")
        return 0
    troubles = list(judge(documents[0]))
    print("\n".join(troubles), end="")
    return 1 if troubles else 0


sys.exit(main())
