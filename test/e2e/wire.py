"""A small blocking HTTP/1.1 client that shows every byte: raw targets, pipelining, interim answers.

The standard client refuses unusual request targets and hides what these tests look at, so this one
writes requests itself. It also says which failures leave the outcome open:
  Refused  no connection was made, so the request was certainly not executed;
  Broken   the connection failed after that, so the request may or may not have been executed.
"""

import socket

HOST = "127.0.0.1"


class Refused(OSError):
    """No connection could be made."""


class Broken(OSError):
    """The connection failed, closed or stalled before a whole response had arrived."""


class Response:
    """One HTTP response: status, headers as (lower-case name, value) pairs, whole body."""

    def __init__(self, status, headers, body, version):
        self.status = status
        self.headers = headers
        self.body = body
        self.version = version

    def header(self, name):
        """The first value of a header, or None."""
        for key, value in self.headers:
            if key == name.lower():
                return value
        return None

    def tokens(self, name):
        """All comma-separated values of a header, over all its lines, in order."""
        found = []
        for key, value in self.headers:
            if key == name.lower():
                found += [part.strip() for part in value.split(",") if part.strip()]
        return found

    def __repr__(self):
        return f"<{self.status} {self.body[:80]!r}>"


def to_bytes(text):
    """Bytes unchanged; text as UTF-8."""
    return text if isinstance(text, bytes) else text.encode()


def request_head(method, target, body_size=None, headers=(), version=b"HTTP/1.1"):
    """The bytes of a request up to and including the blank line."""
    lines = [to_bytes(method) + b" " + to_bytes(target) + b" " + version, b"Host: " + HOST.encode()]
    if body_size is not None:
        lines.append(b"Content-Length: %d" % body_size)
    lines += [to_bytes(name) + b": " + to_bytes(value) for name, value in headers]
    return b"\r\n".join(lines) + b"\r\n\r\n"


class Connection:
    """One connection to 127.0.0.1:port. `timeout` (seconds) bounds each wait for bytes."""

    def __init__(self, port, timeout=10.0):
        try:
            self.socket = socket.create_connection((HOST, port), timeout)
        except OSError as failure:
            raise Refused(f"connect to port {port}: {failure}") from failure
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.stream = self.socket.makefile("rb", 65536)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.stream.close()
        self.socket.close()

    def send(self, data):
        try:
            self.socket.sendall(data)
        except OSError as failure:
            raise Broken(f"send: {failure}") from failure

    def send_request(self, method, target, body=None, headers=()):
        size = None if body is None else len(body)
        self.send(request_head(method, target, size, headers) + (body or b""))

    def request(self, method, target, body=None, headers=()):
        """Sends one request and waits for its final response."""
        self.send_request(method, target, body, headers)
        return self.read_response(method)

    def read_response(self, method="GET", interim=False):
        """The next response; with `interim` also a 1xx one, which is skipped otherwise."""
        try:
            while True:
                response = self._read_one(method)
                if interim or response.status >= 200:
                    return response
        except (OSError, ValueError) as failure:
            if isinstance(failure, Broken):
                raise
            raise Broken(f"response: {failure}") from failure

    def at_end(self):
        """True when the server has closed the connection and nothing is left to read."""
        try:
            return self.stream.read(1) == b""
        except ConnectionResetError:
            return True
        except OSError as failure:
            raise Broken(f"waiting for the end: {failure}") from failure

    def _line(self):
        line = self.stream.readline(65537)
        if not line.endswith(b"\n"):
            raise Broken("the connection closed inside a response" if line else "connection closed")
        return line.rstrip(b"\r\n")

    def _read_one(self, method):
        version, status, *_ = self._line().split(b" ", 2)
        headers = []
        while line := self._line():
            name, _, value = line.decode("latin-1").partition(":")
            headers.append((name.strip().lower(), value.strip()))
        response = Response(int(status), headers, b"", version)
        if method != "HEAD" and response.status >= 200 and response.status not in (204, 304):
            response.body = self._body(response)
        return response

    def _body(self, response):
        if "chunked" in (response.header("transfer-encoding") or ""):
            return self._chunks()
        length = response.header("content-length")
        if length is None:
            return self.stream.read()
        return self._exactly(int(length))

    def _exactly(self, size):
        data = self.stream.read(size)
        if len(data) != size:
            raise Broken(f"the body ended after {len(data)} of {size} bytes")
        return data

    def _chunks(self):
        parts = []
        while size := int(self._line().split(b";")[0], 16):
            parts.append(self._exactly(size))
            self._line()
        while self._line():
            pass
        return b"".join(parts)


def once(port, method, target, body=None, headers=(), timeout=10.0):
    """One request over a connection of its own."""
    with Connection(port, timeout) as connection:
        return connection.request(method, target, body, headers)


class Session:
    """Kept-alive connections to several ports, opened when needed. For one thread."""

    def __init__(self, timeout=10.0):
        self.timeout = timeout
        self.connections = {}

    def request(self, port, method, target, body=None, headers=()):
        connection = self.connections.get(port)
        if connection is None:
            connection = self.connections[port] = Connection(port, self.timeout)
        try:
            response = connection.request(method, target, body, headers)
        except Broken:
            self.drop(port)
            raise
        if "close" in (response.header("connection") or "").lower():
            self.drop(port)
        return response

    def drop(self, port):
        connection = self.connections.pop(port, None)
        if connection is not None:
            connection.close()

    def close(self):
        for port in list(self.connections):
            self.drop(port)
