"""Clusters of `quorated serve`, whose members may talk through a network that can be broken."""

import hashlib
import json

import cluster
import proxy
import v3
import wire
from faulty_disks import FaultyDisks


class Server(cluster.Member):
    """One quorated process. `url` is what others are told, `listen` where it really listens."""

    def __init__(self, number, ports, folder):
        super().__init__(number, ports[0], ports[1], folder)
        self.name = f"m{number}"
        self.peer_port = ports[1]
        self.listen = ports[2]

    @property
    def member_id(self):
        """As etcd derives it from the peer URL and the token."""
        digest = hashlib.sha1((self.url + ServerCluster.TOKEN).encode()).digest()
        return int.from_bytes(digest[:8], "big")


class ServerCluster(FaultyDisks, cluster.Cluster):
    """Members 1..size of one cluster. With `proxied` there is a `network` between them; `faults`
    are the options of the program, when disks shall fail on demand."""

    TOKEN = "e2e"

    def __init__(self, bin_dir, size=3, flags=(), timing=cluster.FAST, proxied=False, faults=None,
                 seed=0):
        super().__init__(bin_dir, size, flags, timing)
        self.binary = self.binary.removesuffix("kvstore") + "quorated"
        self.network = None
        self.proxied = proxied
        self.seed = seed
        self.faulty = faults is not None
        if self.faulty:
            self.use_faults(faults)

    def new_members(self):
        ports = cluster.free_ports(3 * self.size)
        members = {i + 1: Server(i + 1, ports[3 * i:3 * i + 3], self.folder)
                   for i in range(self.size)}
        if self.network:
            self.network.close()
        if self.proxied:
            self.network = proxy.Network(self.seed)
            for member in members.values():
                self.network.add(member.id, member.member_id, member.peer_port, member.listen)
        return members

    def command(self, number, extra=()):
        member = self.members[number]
        client = f"http://{wire.HOST}:{member.port}"
        listen = f"http://{wire.HOST}:{member.listen}" if self.proxied else member.url
        everybody = ",".join(f"{one.name}={one.url}" for one in self.members.values())
        return [self.binary, "serve", "--name", member.name, "--data-dir", str(member.data),
                "--listen-client-urls", client, "--advertise-client-urls", client,
                "--listen-peer-urls", listen, "--initial-advertise-peer-urls", member.url,
                "--initial-cluster", everybody, "--initial-cluster-token", self.TOKEN,
                *self.flags, *extra]

    def surroundings(self, number):
        return super().surroundings(number) if self.faulty else {}

    def probe(self, member):
        return wire.once(member.port, "POST", "/v3/kv/range", json.dumps({"key": "AA=="}).encode(),
                         timeout=5.0)

    def remove(self, keep=False):
        super().remove(keep)
        if self.network:
            self.network.close()
            self.network = None

    def status(self, number):
        """maintenance/status of a member."""
        return v3.ask(self.port(number), "maintenance/status")
