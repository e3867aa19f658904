"""Drives a headless Chromium over its debugging pipe; the standard library is all it needs."""

import base64
import contextlib
import fcntl
import json
import os
import pathlib
import select
import shutil
import signal
import subprocess
import tempfile
import time

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def program():
    """The browser's path, or None where there is none."""
    return next(filter(None, map(shutil.which, NAMES)), None)


def high_pipe():
    """Both ends of a pipe, above the descriptors 3 and 4 that the browser's are put on."""
    ends = os.pipe()
    high = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in ends]
    for end in ends:
        os.close(end)
    return high


class BrowserError(Exception):
    """The browser ended, or did not do what it was told."""


class Browser:
    """One browser with one page; `with Browser() as page: page.open(url)`."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="quorate_browser_")
        self.complaints = []    # what the page's console said, exceptions, refused requests
        self.requests = []      # URLs that the page asked for
        self.next_id = 0
        self.rest = b""
        self.session = None
        self.process = None

    def __enter__(self):
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def _start(self):
        to_browser, self.write_end = high_pipe()
        self.read_end, from_browser = high_pipe()

        def give_pipes():
            os.dup2(to_browser, 3)
            os.dup2(from_browser, 4)

        self.process = subprocess.Popen(
            [program(), "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
             "--disable-dev-shm-usage", "--no-first-run", "--disable-extensions",
             "--disable-background-networking", "--disable-component-update",
             f"--user-data-dir={self.folder}", "--remote-debugging-pipe", "about:blank"],
            preexec_fn=give_pipes, pass_fds=(3, 4), start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_browser)
        os.close(from_browser)
        pages = [one for one in self.call("Target.getTargets")["targetInfos"]
                 if one["type"] == "page"]
        self.session = self.call("Target.attachToTarget", targetId=pages[0]["targetId"],
                                 flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    def close(self):
        """Ends the browser with all its processes, and removes its folder."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)     # its own session, started above
            self.process.wait()
            self.process = None
            os.close(self.read_end)
            os.close(self.write_end)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _message(self, until):
        while b"\0" not in self.rest:
            ready, _, _ = select.select([self.read_end], [], [], max(0, until - time.monotonic()))
            if not ready:
                raise BrowserError("the browser does not answer")
            more = os.read(self.read_end, 1 << 16)
            if not more:
                raise BrowserError("the browser ended")
            self.rest += more
        text, self.rest = self.rest.split(b"\0", 1)
        return json.loads(text)

    def _note(self, message):
        what, told = message.get("method"), message.get("params", {})
        if what == "Network.requestWillBeSent":
            self.requests.append(told["request"]["url"])
        elif what == "Runtime.exceptionThrown":
            self.complaints.append(str(told["exceptionDetails"]))
        elif what == "Log.entryAdded":
            entry = told["entry"]
            self.complaints.append(f"{entry['text']} {entry.get('url', '')}")
        elif what == "Runtime.consoleAPICalled":
            self.complaints.append(str(told["args"]))

    def call(self, method, **parameters):
        """Sends one command and returns its result; events that come meanwhile are noted."""
        self.next_id += 1
        message = {"id": self.next_id, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.write_end, json.dumps(message).encode() + b"\0")
        until = time.monotonic() + 30
        while True:
            answer = self._message(until)
            if answer.get("id") == self.next_id:
                if "error" in answer:
                    raise BrowserError(f"{method}: {answer['error']}")
                return answer["result"]
            self._note(answer)

    def open(self, url):
        self.call("Page.navigate", url=url)

    def run(self, script):
        """The value of a JavaScript expression."""
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True,
                           awaitPromise=True)
        if "exceptionDetails" in answer:
            raise BrowserError(str(answer["exceptionDetails"]))
        return answer["result"].get("value")

    def text(self, element):
        """What an element with that id shows; the empty string while there is none."""
        return self.run(f"(document.getElementById('{element}') || {{}}).innerText || ''")

    def wait(self, script, seconds=15):
        """Waits until an expression is true."""
        until = time.monotonic() + seconds
        while not self.run(f"Boolean({script})"):
            if time.monotonic() > until:
                raise BrowserError(f"not within {seconds} s: {script}")
            time.sleep(0.1)

    def type(self, text):
        """Types into whatever has the focus."""
        self.call("Input.insertText", text=text)

    def press(self, key):
        """Presses one named key, such as Tab or Enter."""
        number = {"Tab": 9, "Enter": 13, "ArrowLeft": 37, "ArrowRight": 39}[key]
        common = {"key": key, "code": key, "windowsVirtualKeyCode": number}
        text = {"text": "\r"} if key == "Enter" else {}
        self.call("Input.dispatchKeyEvent", type="keyDown", **common, **text)
        self.call("Input.dispatchKeyEvent", type="keyUp", **common)

    def look(self, width, height, scheme):
        """Sets the size of the window, and `light` or `dark`."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height,
                  deviceScaleFactor=1, mobile=False)
        self.call("Emulation.setEmulatedMedia",
                  features=[{"name": "prefers-color-scheme", "value": scheme}])

    def screenshot(self, path):
        shot = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        pathlib.Path(path).write_bytes(base64.b64decode(shot["data"]))
