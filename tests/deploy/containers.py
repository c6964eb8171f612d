"""Services of a compose file as processes that cannot tell the difference: each in a network, mount,
PID and UTS namespace of its own, on one bridge, with the container image's file system as its root,
the image's user, and the other services' names in /etc/hosts. Needs root, iproute2 and util-linux.
"""

import json
import os
import shlex
import shutil
import signal
import subprocess
import tempfile
import time

USER = 4150
SUBNET = "10.213.77"


def run(*arguments, **more):
    return subprocess.run(arguments, check=True, capture_output=True, text=True, **more)


def as_words(value):
    return shlex.split(value) if isinstance(value, str) else [str(word) for word in value]


class Service:
    """A service; `start` it, `execute` in it, `stop` it."""

    def __init__(self, cluster, name, description, address):
        self.cluster, self.name, self.address = cluster, name, address
        self.description = description
        self.directory = os.path.join(cluster.work, name)
        self.root = os.path.join(self.directory, "root")
        self.data = os.path.join(self.directory, "data")
        self.log = os.path.join(self.directory, "log")
        os.makedirs(self.root)
        os.makedirs(self.data)
        os.chown(self.data, USER, USER)
        self.process = None
        self.first = None  # the service's PID 1, as seen from outside

    def words(self):
        entrypoint = as_words(self.description.get("entrypoint", []))
        return entrypoint + as_words(self.description.get("command", []))

    def start(self):
        """Starts the service's command as PID 1 of its own world."""
        setup = f"""
          set -e
          ip link set lo up
          mount --bind {self.cluster.image} {self.root}
          mount --bind {self.data} {self.root}/data
          mount -t proc proc {self.root}/proc
          mount -t tmpfs tmpfs {self.root}/dev
          mknod -m 666 {self.root}/dev/null c 1 3
          mknod -m 666 {self.root}/dev/urandom c 1 9
          mount --bind {self.cluster.etc} {self.root}/etc
          hostname {self.name}
          echo ready > {self.directory}/ready
          while [ ! -e {self.directory}/go ]; do sleep 0.02; done
          cd {self.root}
          chroot=$(command -v chroot)
          exec env -i PATH=/usr/local/bin:/usr/bin:/bin HOSTNAME={self.name} HOME=/ \
            "$chroot" --userspec={USER}:{USER} {self.root} \
            /bin/sh -c 'cd /data; exec "$@"' sh "$@"
        """
        for mark in ("ready", "go"):
            if os.path.exists(os.path.join(self.directory, mark)):
                os.remove(os.path.join(self.directory, mark))
        log = open(self.log, "a", encoding="utf-8")
        self.process = subprocess.Popen(
            ["unshare", "--net", "--mount", "--uts", "--pid", "--ipc", "--fork", "--kill-child",
             "bash", "-c", setup, "bash", *self.words()], stdout=log, stderr=log)
        log.close()
        self._wait(lambda: os.path.exists(os.path.join(self.directory, "ready")))
        self.first = int(run("pgrep", "-P", str(self.process.pid)).stdout.split()[0])
        outside, inside = f"v{self.cluster.tag}h{self.address}", f"v{self.cluster.tag}c{self.address}"
        # The same address after a restart, or the neighbours look for the old one for a while.
        run("ip", "link", "add", outside, "type", "veth", "peer", "name", inside,
            "address", f"02:00:0a:d5:4d:{self.address:02x}")
        run("ip", "link", "set", outside, "master", self.cluster.bridge, "up")
        run("ip", "link", "set", inside, "netns", str(self.first))
        enter = ["nsenter", "-t", str(self.first), "--net", "ip"]
        run(*enter, "address", "add", f"{SUBNET}.{self.address}/24", "dev", inside)
        run(*enter, "link", "set", inside, "up")
        with open(os.path.join(self.directory, "go"), "w", encoding="utf-8"):
            pass

    def _wait(self, condition, seconds=20):
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise AssertionError(f"{self.name} did not start:\n{self.text()}")
            time.sleep(0.02)

    def text(self):
        with open(self.log, encoding="utf-8", errors="replace") as file:
            return file.read()

    def execute(self, *words, timeout=30, check=True, **more):
        """As `docker exec`: another process in the same world."""
        done = subprocess.run(
            ["nsenter", "-t", str(self.first), "--net", "--mount", "--uts", "--pid", "--ipc",
             "chroot", f"--userspec={USER}:{USER}", self.root,
             "/bin/sh", "-c", 'cd /data; exec "$@"', "sh", *words],
            capture_output=True, text=True, timeout=timeout, check=False,
            env={"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"}, **more)
        if check and done.returncode != 0:
            raise AssertionError(f"{self.name}: {words} ended with {done.returncode}: "
                                 f"{done.stdout}{done.stderr}")
        return done

    def is_healthy(self):
        """What an engine would make of the healthcheck: the compose file's, or else the image's."""
        test = self.description.get("healthcheck", {}).get("test")
        if test is None:
            words = ["/nsq", "health", "--absent-is-healthy"]
        elif isinstance(test, str):
            words = ["/bin/sh", "-c", test]
        else:
            words = test[1:]
        return self.execute(*words, check=False).returncode == 0

    def stop(self, number=signal.SIGTERM):
        """As `docker stop`; returns the exit status."""
        if self.process is None or self.process.poll() is not None:
            return None
        os.kill(self.first, number)
        try:
            return self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"{self.name} did not stop:\n{self.text()}") from None


class Cluster:
    """All services of a compose file; a context manager."""

    count = 0

    def __init__(self, services, image):
        self.image = os.path.abspath(image)
        self.work = tempfile.mkdtemp(prefix="nsq-containers.")
        # A network goes some time after the last process in it, and its interfaces with it.
        Cluster.count += 1
        self.tag = f"{os.getpid() % 1000000:x}{Cluster.count}"
        self.bridge = f"br{self.tag}"
        self.services = {}
        for number, (name, description) in enumerate(services.items(), 10):
            self.services[name] = Service(self, name, description, number)
        self.etc = os.path.join(self.work, "etc")
        shutil.copytree(os.path.join(self.image, "etc"), self.etc)
        with open(os.path.join(self.etc, "hosts"), "w", encoding="utf-8") as hosts:
            hosts.write("127.0.0.1 localhost\n")
            for service in self.services.values():
                hosts.write(f"{SUBNET}.{service.address} {service.name}\n")

    def __enter__(self):
        run("ip", "link", "add", self.bridge, "type", "bridge")
        run("ip", "link", "set", self.bridge, "up")
        return self

    def __exit__(self, *failure):
        for service in self.services.values():
            if service.process is not None and service.process.poll() is None:
                service.process.kill()
                service.process.wait()
        subprocess.run(["ip", "link", "delete", self.bridge], check=False)
        shutil.rmtree(self.work, ignore_errors=True)

    def __getitem__(self, name):
        return self.services[name]

    def start(self):
        """In an order that respects depends_on."""
        started = set()
        while len(started) < len(self.services):
            for name, service in self.services.items():
                needs = service.description.get("depends_on", [])
                if name not in started and started.issuperset(needs):
                    service.start()
                    started.add(name)


def eventually(condition, what, seconds=20):
    deadline = time.monotonic() + seconds
    while True:
        try:
            value = condition()
        except (AssertionError, json.JSONDecodeError):
            value = None
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"never came true: {what}")
        time.sleep(0.05)
