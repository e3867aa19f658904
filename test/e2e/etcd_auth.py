"""Users, roles and permissions against etcd: the same random requests, asked by several users.

Needs `etcd` on the path and quorate_differential (test/differential) in the --bin folder; without
etcd there is nothing to compare with, and nothing is tested. Beside every answer the auth revision
is compared, which etcd shows among its metrics. What doc/auth.md names as different is not asked,
or only by root. Each round's seed is printed, and `--seed N --rounds 1` repeats it.
"""

import base64
import http.client
import json
import pathlib
import re
import sys

import etcd_differential
import wire

PATHS = {
    "auth_enable": "enable", "auth_disable": "disable",
    "user_add": "user/add", "user_delete": "user/delete", "user_change_password": "user/changepw",
    "user_grant_role": "user/grant", "user_revoke_role": "user/revoke", "user_get": "user/get",
    "user_list": "user/list", "role_add": "role/add", "role_delete": "role/delete",
    "role_get": "role/get", "role_list": "role/list", "role_grant_permission": "role/grant",
    "role_revoke_permission": "role/revoke",
}
NAMES = {
    "etcdserver: user name is empty": "user_empty",
    "etcdserver: user name already exists": "user_exists",
    "etcdserver: user name not found": "user_not_found",
    "etcdserver: role name is empty": "role_empty",
    "etcdserver: role name already exists": "role_exists",
    "etcdserver: role name not found": "role_not_found",
    "etcdserver: role is not granted to the user": "role_not_granted",
    "etcdserver: permission is not granted to the role": "permission_not_granted",
    "etcdserver: root user does not exist": "root_user_not_found",
    "etcdserver: root user does not have root role": "root_role_not_granted",
    "etcdserver: permission denied": "permission_denied",
    "etcdserver: invalid auth management": "invalid_auth_management",
}
KINDS = ("READ", "WRITE", "READWRITE")
AUTH_REVISION = re.compile(rb"^etcd_debugging_auth_revision (\S+)$", re.MULTILINE)


class Etcd(etcd_differential.Etcd):
    """One etcd process, asked as whichever user `speaker` is; None: as nobody."""

    arguments = ("--bcrypt-cost", "4")

    def __init__(self, folder):
        self.speaker = None
        self.tokens = {}
        super().__init__(folder)

    def post(self, path, body):
        if self.wire is None:
            self.wire = http.client.HTTPConnection(wire.HOST, self.port, timeout=30)
        headers = {} if self.speaker is None else {"Authorization": self.tokens[self.speaker]}
        self.wire.request("POST", path, json.dumps(body), headers)
        return json.loads(self.wire.getresponse().read())

    def authenticate(self, name, password):
        """Returns whether there is now a good token of that user."""
        before, self.speaker = self.speaker, None
        reply = self.post("/v3/auth/authenticate", {"name": name, "password": password})
        self.speaker = before
        if "token" in reply:
            self.tokens[name] = reply["token"]
        return "token" in reply

    def ask_auth(self, name, body):
        reply = self.post(f"/v3/auth/{PATHS[name]}", for_etcd(name, body))
        if "error" in reply:
            return {"error": NAMES.get(reply["error"], reply["error"])}
        return {"revision": int(reply["header"]["revision"]), "reply": from_etcd(name, reply)}

    def auth_revision(self):
        self.wire.request("GET", "/metrics")
        return int(float(AUTH_REVISION.search(self.wire.getresponse().read())[1]))


class Ours(etcd_differential.Ours):
    """One quorate_differential process."""

    def __init__(self, program):
        self.speaker = None
        super().__init__(program)

    def line(self, parcel):
        if self.speaker is not None and "restart" not in parcel:
            parcel["by"] = self.speaker
        return super().line(parcel)

    def ask_auth(self, name, body):
        made = dict(body)
        if "password" in made:
            made["password_hash"] = "" if made.get("no_password") else "hash " + made["password"]
            del made["password"]
        for field in ("key", "range_end"):
            if field in made:
                made[field] = made[field].hex()
        answer = self.line({name: made})
        if "error" in answer:
            return {"error": answer["error"]}
        reply = answer["reply"]
        for one in reply.get("permissions", []):
            one["key"] = bytes.fromhex(one["key"])
            one["range_end"] = bytes.fromhex(one["range_end"])
        return {"revision": answer["revision"], "reply": reply}

    def auth_revision(self):
        before, self.speaker = self.speaker, "root"
        answer = self.line({"auth_status": {}})
        self.speaker = before
        return answer["reply"]["auth_revision"]


def for_etcd(name, body):
    def text(value):
        return base64.b64encode(value).decode()
    if name == "user_add":
        return {"name": body["name"], "password": body["password"],
                "options": {"no_password": body["no_password"]}}
    if name == "user_grant_role":
        return {"user": body["name"], "role": body["role"]}
    if name in ("role_delete", "role_get"):
        return {"role": body["name"]}
    if name == "role_grant_permission":
        return {"name": body["name"],
                "perm": {"permType": KINDS[body["kind"]], "key": text(body["key"]),
                         "range_end": text(body["range_end"])}}
    if name == "role_revoke_permission":
        return {"role": body["name"], "key": text(body["key"]),
                "range_end": text(body["range_end"])}
    return body


def from_etcd(name, reply):
    if name == "user_list":
        return {"names": reply.get("users", [])}
    if name in ("role_list", "user_get"):
        return {"names": reply.get("roles", [])}
    if name == "role_get":
        return {"permissions": [{"kind": KINDS.index(one.get("permType", "READ")),
                                 "key": base64.b64decode(one["key"]),
                                 "range_end": base64.b64decode(one.get("range_end", ""))}
                                for one in reply.get("perm", [])]}
    return {}


class Generator(etcd_differential.Generator):
    """Requests about few users, roles and keys."""

    USERS = ("root", "ann", "bob", "cid")
    ROLES = ("root", "reader", "writer", "both")

    def __init__(self, seed):
        super().__init__(seed, many_keys=False)
        # etcd does not tell permissions for one key from each other, so a key has one range end.
        self.ends = {key: self.proper_end(key) for key in self.keys}

    def proper_end(self, key):
        """An end that leaves keys in the span."""
        later = [end for end in self.keys if end > key]
        return self.random.choice([b"", b"\0", *later, *later])

    def user(self):
        return "" if self.chance(0.02) else self.random.choice(self.USERS)

    def role(self):
        return "" if self.chance(0.02) else self.random.choice(self.ROLES)

    def auth(self):
        key = self.random.choice(self.keys)
        span = {"key": key, "range_end": self.ends[key]}
        password = f"secret {self.random.randrange(1000)}"
        added = self.user()
        return self.random.choices((
            ("auth_enable", {}), ("auth_disable", {}),
            # A root that cannot authenticate would be the end of the round.
            ("user_add", {"name": added, "password": password,
                          "no_password": added != "root" and self.chance(0.1)}),
            ("user_delete", {"name": self.user()}),
            ("user_change_password", {"name": self.user(), "password": password}),
            ("user_grant_role", {"name": self.user(), "role": self.role()}),
            ("user_revoke_role", {"name": self.user(), "role": self.role()}),
            ("user_get", {"name": self.user()}), ("user_list", {}),
            ("role_add", {"name": self.role()}), ("role_delete", {"name": self.role()}),
            ("role_get", {"name": self.role()}), ("role_list", {}),
            ("role_grant_permission", {"name": self.role(), "kind": self.random.randrange(3),
                                       **span}),
            ("role_revoke_permission", {"name": self.role(), **span}),
        ), (6, 1, 6, 2, 3, 8, 2, 3, 2, 6, 1, 3, 2, 16, 4))[0]


def turned_around(body):
    end = body.get("range_end", b"")
    return end not in (b"", b"\0") and end <= body["key"]


def differs(name, body, nobody, nested=False):
    """Whether etcd leaves something of it unchecked, or looks at spans without keys differently."""
    if name == "compact":
        return True
    if name in etcd_differential.LEASE_REQUESTS:
        return nobody
    if name == "put":
        return nested and (body.get("lease") or body["prev_kv"])
    if name != "txn":
        return name is not None and turned_around(body)
    if not (body["compare"] or body["success"] or body["failure"]):
        return True     # etcd lets anybody do nothing
    if nested or any(turned_around(one) for one in body["compare"]):
        return True
    return any(differs(kind, op, nobody, nested=True)
               for branch in ("success", "failure") for kind, op in body[branch])


class Round:
    """One seed: both from empty to the end."""

    def __init__(self, options, seed, folder):
        self.seed = seed
        self.steps = options.steps
        self.generator = Generator(seed)
        self.etcd = Etcd(folder)
        self.ours = Ours(str(pathlib.Path(options.bin) / "quorate_differential"))
        self.enabled = False
        self.passwords = {}
        self.log = []
        self.denied = self.allowed = 0

    def fail(self, theirs, ours):
        history = "\n".join(f"    {one}" for one in self.log[-12:])
        raise etcd_differential.Failure(f"seed {self.seed}, request {len(self.log)}:\n{history}\n"
                                        f"  etcd: {theirs}\n  ours: {ours}")

    def speak_as(self, name):
        """Returns whether that user can be: nobody always can."""
        if self.enabled and name is not None and name not in self.etcd.tokens:
            if name not in self.passwords or \
                    not self.etcd.authenticate(name, self.passwords[name]):
                return False
        self.etcd.speaker = self.ours.speaker = name if self.enabled else None
        return True

    def ask_auth(self, name, body):
        self.log.append((self.ours.speaker, name, body))
        theirs = self.etcd.ask_auth(name, body)
        ours = self.ours.ask_auth(name, body)
        if theirs != ours:
            self.fail(theirs, ours)
        if "error" not in ours:
            self.note(name, body)
        return ours

    def note(self, name, body):
        """Keeps up with who can authenticate."""
        if name == "auth_enable":
            self.enabled = True
        elif name == "auth_disable":
            self.enabled = False
            self.etcd.tokens.clear()
        elif name == "user_add" and not body["no_password"]:
            self.passwords[body["name"]] = body["password"]
        elif name == "user_change_password":
            if body["name"] in self.passwords:
                self.passwords[body["name"]] = body["password"]
            self.etcd.tokens.pop(body["name"], None)
        elif name == "user_delete":
            self.passwords.pop(body["name"], None)
            self.etcd.tokens.pop(body["name"], None)

    def ask(self, name, body):
        speaker = self.ours.speaker
        if self.enabled and speaker != "root" and differs(name, body, speaker is None):
            return
        self.log.append((self.ours.speaker, name, body))
        theirs = self.etcd.ask(name, body)
        theirs["error"] = NAMES.get(theirs["error"], theirs["error"]) if "error" in theirs else None
        ours = self.ours.ask(name, body)
        ours.setdefault("error", None)
        if theirs["error"] is None and ours["error"] is None:
            if not etcd_differential.same(name, body, *(
                    {key: side[key] for key in ("revision", "reply")} for side in (theirs, ours))):
                self.fail(theirs, ours)
            self.generator.current = ours["revision"]
            if name == "compact":
                self.generator.compacted = body["revision"]
            self.allowed += self.enabled and self.ours.speaker != "root"
        elif theirs != ours:
            self.fail(theirs, ours)
        self.denied += ours["error"] == "permission_denied"

    def set_up(self):
        """Root, so that a round is not spent with authentication off."""
        for name, body in (("auth_enable", {}),
                           ("user_add", {"name": "root", "password": "r", "no_password": False}),
                           ("auth_enable", {}),
                           ("user_grant_role", {"name": "root", "role": "root"}),
                           ("user_add", {"name": "ann", "password": "a", "no_password": False}),
                           ("role_add", {"name": "both"}),
                           ("user_grant_role", {"name": "ann", "role": "both"})):
            self.ask_auth(name, body)

    def run(self):
        self.set_up()
        make = self.generator
        for step in range(self.steps):
            managing = make.chance(0.35)
            who = make.random.choices(("root", "ann", "bob", "cid", None),
                                      (8, 1, 1, 1, 1) if managing else (2, 6, 4, 2, 1))[0]
            if not self.speak_as(who):
                continue
            if managing:
                self.ask_auth(*make.auth())
            else:
                name, body = make.request()
                if name != "txn" or not etcd_differential.replaces_in_one_write(body):
                    self.ask(name, body)
            if step % 20 == 19:
                revisions = (self.etcd.auth_revision(), self.ours.auth_revision())
                if revisions[0] != revisions[1]:
                    self.fail(f"auth revision {revisions[0]}", f"auth revision {revisions[1]}")
            if step % 97 == 96:
                self.ours.restart()
        return len(self.log)

    def stop(self):
        self.ours.stop()
        self.etcd.stop()


def play_round(options, seed, folder):
    one = Round(options, seed, folder)
    try:
        requests = one.run()
        if not one.denied or not one.allowed:
            raise etcd_differential.Failure(f"seed {seed}: {one.denied} denied, "
                                            f"{one.allowed} allowed: nothing was tested")
        return (f"{requests} requests answered alike, {one.denied} of them denied, "
                f"{one.allowed} allowed to users")
    finally:
        one.stop()


if __name__ == "__main__":
    sys.exit(etcd_differential.play(__doc__, 3, play_round))
