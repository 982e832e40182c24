"""Looks at a report in a real headless Chromium: no console message, no request, every section, no overflow on a phone.

    python3 analyzer/tests/browser.py [FOLDER FOR SCREENSHOTS]

Speaks the DevTools protocol over a pipe; needs nothing but Python. Ends with 77 and the reason where there is no Chromium.
"""

import base64
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SECTIONS = ("verdict", "receipt", "ratios", "quantiles", "repetitions", "figures", "errors", "time", "endpoints", "flags", "provenance")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-default-apps",
    "--remote-debugging-pipe",
]
VIEWS = (
    ("desktop", 1280, 900, "light", ""),
    ("desktop-dark", 1280, 900, "dark", ""),
    ("phone", 390, 844, "light", ""),
    ("phone-dark", 390, 844, "dark", ""),
    ("print", 800, 1100, "dark", "print"),
)


class Browser:
    """One Chromium, spoken to over its pipe."""

    def __init__(self, program: str, profile: str) -> None:
        command_read, self.write = os.pipe()
        self.read, event_write = os.pipe()
        # Chromium reads from descriptor 3 and writes to 4.
        shell = f'exec 3<&{command_read} 4>&{event_write}; exec "$@"'
        self.process = subprocess.Popen(
            ["sh", "-c", shell, "sh", program, *FLAGS, f"--user-data-dir={profile}", "about:blank"],
            pass_fds=(command_read, event_write),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(command_read)
        os.close(event_write)
        self.rest = b""
        self.last = 0
        self.session: str | None = None
        self.events: list[dict] = []

    def message(self) -> dict:
        """The next message."""
        while b"\0" not in self.rest:
            piece = os.read(self.read, 1 << 16)
            if not piece:
                raise SystemExit("Chromium ended before the test did")
            self.rest += piece
        text, self.rest = self.rest.split(b"\0", 1)
        return json.loads(text)

    def ask(self, method: str, **parameters: object) -> dict:
        """Sends a command and waits for its answer; events before it are kept."""
        self.last += 1
        command = {"id": self.last, "method": method, "params": parameters}
        if self.session:
            command["sessionId"] = self.session
        os.write(self.write, json.dumps(command).encode() + b"\0")
        while True:
            message = self.message()
            if message.get("id") == self.last:
                if "error" in message:
                    raise SystemExit(f"{method}: {message['error']}")
                return message["result"]
            self.events.append(message)

    def until(self, method: str) -> None:
        """Waits for an event."""
        while not any(event.get("method") == method for event in self.events):
            self.events.append(self.message())

    def value(self, expression: str) -> object:
        """The value of an expression in the page."""
        return self.ask("Runtime.evaluate", expression=expression, returnByValue=True)["result"].get("value")

    def close(self) -> None:
        """Ends it."""
        self.process.terminate()
        self.process.wait(timeout=20)


def chromium() -> str | None:
    """The first browser there is."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)


def report(folder: str) -> Path:
    """A report of a made-up run."""
    made = [*["cargo", "run", "--release", "--locked", "--quiet", "-p", "analyzer", "--example", "made_up_run", "--"], folder, "10", "6000"]
    run = subprocess.run(made, cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()
    page = Path(folder, "report.html")
    program = os.environ.get("ANALYZE") or shutil.which("analyze")
    start = [program] if program else ["cargo", "run", "--release", "--locked", "--quiet", "-p", "analyzer", "--bin", "analyze", "--"]
    subprocess.run([*start, run, "--format", "html", "--out", str(page)], cwd=ROOT, check=True)
    return page


def problems(browser: Browser, page: Path, shots: Path | None) -> list[str]:
    """Everything that is wrong with the page."""
    found: list[str] = []
    target = browser.ask("Target.createTarget", url="about:blank")["targetId"]
    browser.session = browser.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
    for domain in ("Page", "Network", "Log", "Runtime"):
        browser.ask(f"{domain}.enable")
    for name, width, height, scheme, media in VIEWS:
        browser.events.clear()
        browser.ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 500)
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        browser.ask("Emulation.setEmulatedMedia", media=media, features=features)
        browser.ask("Page.navigate", url=page.as_uri())
        browser.until("Page.loadEventFired")
        missing = [s for s in SECTIONS if not browser.value(f"document.getElementById({s!r}) !== null")]
        found += [f"{name}: section {s} is missing" for s in missing]
        over = browser.value("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if over:
            found.append(f"{name}: the page is {over} px wider than the window")
        if browser.value("document.querySelectorAll('svg').length") < 10:
            found.append(f"{name}: figures are missing")
        size = browser.value("Math.min(...[...document.querySelectorAll('svg text')].map(t => t.getBoundingClientRect().height))")
        if size < 9:
            found.append(f"{name}: text of {size:.1f} px in a figure")
        hidden = "[...document.querySelectorAll('details table')].filter(table => !table.checkVisibility()).length"
        if media == "print" and browser.value(hidden):
            found.append(f"{name}: tables are folded away, and paper cannot be unfolded")
        for event in browser.events:
            method, data = event.get("method"), event.get("params", {})
            if method == "Network.requestWillBeSent" and data["request"]["url"] != page.as_uri():
                found.append(f"{name}: it asked for {data['request']['url'][:80]}")
            if method in ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded"):
                found.append(f"{name}: console: {json.dumps(data)[:200]}")
        if shots:
            picture = browser.ask("Page.captureScreenshot", captureBeyondViewport=True, format="png")
            (shots / f"{name}.png").write_bytes(base64.b64decode(picture["data"]))
    return found


def main() -> int:
    """The exit code."""
    program = chromium()
    if program is None:
        print("skipped: no Chromium on PATH (apt-get install chromium)")
        return 77
    shots = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    with tempfile.TemporaryDirectory() as folder:
        page = report(folder)
        browser = Browser(program, str(Path(folder, "profile")))
        try:
            found = problems(browser, page, shots)
        finally:
            browser.close()
    for problem in found:
        print(problem)
    print(f"{len(VIEWS)} views looked at, {len(found)} problems")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
