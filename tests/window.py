#!/usr/bin/env python3
"""The real window on a virtual screen: what a test harness without an operating system cannot show.

Runs the program under Xvfb and drives it with keys and the clipboard: pasting, copying, two programs at once, what is left
after a crash, and drawing by OpenGL as by Vulkan. Needs Xvfb, xdotool, xclip and Mesa's software drivers.

    python3 tests/window.py target/release/stylebrush
"""

import json
import os
import signal
import struct
import subprocess
import sys
import tempfile
import time
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

ROOT = Path(__file__).resolve().parent.parent
# A small network with random weights: nothing here depends on the model that comes with the program.
MODEL = ROOT / "tests/fixtures/f2_small_s64_l8.pt"
PORTRAITS = sorted((ROOT / "tests/fixtures/portraits").glob("*.png"))
SCREEN = (1440, 900)
# Software drivers on busy machines take their time.
PATIENCE = 90.0

T = TypeVar("T")
# A project's record and its files.
Saved = tuple[dict[str, Any], dict[str, bytes]]


def wait_until(what: str, holds: Callable[[], T], patience: float = PATIENCE) -> T:
    """Looks again and again until something holds, and returns it."""
    started = time.monotonic()
    while time.monotonic() - started < patience:
        if result := holds():
            return result
        time.sleep(0.2)
    sys.exit(f"this did not happen within {patience:.0f} s: {what}")


def png(width: int, height: int, pixel: Callable[[int, int], tuple[int, int, int]]) -> bytes:
    """A picture without any library; `pixel` gives red, green and blue."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + b"".join(bytes(pixel(x, y)) for x in range(width)) for y in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    signature = b"\x89PNG\r\n\x1a\n"
    return signature + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


class Screen:
    """A virtual screen."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        # Another one may take the same number at the same moment.
        tries = (self.start() for _ in range(5))
        number = next((number for number in tries if number), None)
        assert number, "Xvfb does not start"
        self.display = f":{number}"
        self.env = {**os.environ, "DISPLAY": self.display}
        self.env.pop("WAYLAND_DISPLAY", None)

    def start(self) -> str:
        """Starts the server, and returns the number that it chose; nothing where it failed."""
        reader, writer = os.pipe()
        size = f"{SCREEN[0]}x{SCREEN[1]}x24"
        command = ["Xvfb", "-displayfd", str(writer), "-screen", "0", size, "-fbdir", str(self.folder), "-nolisten", "tcp"]
        with (self.folder / "Xvfb.log").open("a") as log:
            self.process = subprocess.Popen(command, pass_fds=[writer], stderr=log)
        os.close(writer)
        with os.fdopen(reader) as lines:
            number = lines.readline().strip()
        if not number:
            self.process.wait()
        return number

    def close(self) -> None:
        self.process.terminate()
        self.process.wait()

    def pixels(self) -> list[bytes]:
        """Rows of the screen as bytes, four for a pixel."""
        data = (self.folder / "Xvfb_screen0").read_bytes()
        fields = struct.unpack(">25I", data[:100])
        header_size, width, height, stride, colours = fields[0], fields[4], fields[5], fields[12], fields[19]
        start = header_size + colours * 12
        return [data[start + y * stride : start + y * stride + width * 4] for y in range(height)]

    def do(self, *arguments: str) -> None:
        subprocess.run(["xdotool", *arguments], env=self.env, check=True, stdout=subprocess.DEVNULL)
        time.sleep(0.3)

    def put_on_clipboard(self, kind: str, data: bytes) -> None:
        command = ["xclip", "-selection", "clipboard", "-t", kind, "-i"]
        subprocess.run(command, input=data, env=self.env, check=True, stdout=subprocess.DEVNULL)

    def clipboard(self, kind: str) -> bytes:
        command = ["xclip", "-selection", "clipboard", "-t", kind, "-o"]
        return subprocess.run(command, check=False, env=self.env, capture_output=True, timeout=20).stdout


class Program:
    """The program with a home of its own."""

    def __init__(self, screen: Screen, program: str, home: Path, **env: str) -> None:
        self.screen, self.home = screen, home
        settings = home / ".config/stylebrush/settings.json"
        settings.parent.mkdir(parents=True, exist_ok=True)
        keys = {"save-project-to-path": ["F6"], "export-to-path": ["F7"]}
        settings.write_text(json.dumps({"language": "english", "keys": keys}))
        env = {key: value for key, value in screen.env.items() if not key.startswith("XDG_")} | env
        env["HOME"] = str(home)
        command = [program, "--aligned", "--model", str(MODEL), *map(str, PORTRAITS[:2])]
        self.log = (home / f"log {time.monotonic_ns()}.txt").open("w+")  # noqa: SIM115
        self.process = subprocess.Popen(command, env=env, stderr=self.log)
        self.window = wait_until("a window opens", self.find_window)
        wait_until("the canvas is drawn", self.has_picture)

    def find_window(self) -> str | None:
        assert self.process.poll() is None, self.said()
        command = ["xdotool", "search", "--all", "--onlyvisible", "--pid", str(self.process.pid), "--name", "Stylebrush"]
        found = subprocess.run(command, check=False, env=self.screen.env, capture_output=True, text=True)
        windows = found.stdout.split()
        return windows[-1] if windows else None

    def said(self) -> str:
        self.log.flush()
        self.log.seek(0)
        return self.log.read()

    def place(self) -> tuple[int, int, int, int]:
        command = ["xdotool", "getwindowgeometry", "--shell", self.window]
        text = subprocess.run(command, env=self.screen.env, capture_output=True, text=True, check=True).stdout
        values = dict(line.split("=") for line in text.split())
        return int(values["X"]), int(values["Y"]), int(values["WIDTH"]), int(values["HEIGHT"])

    def canvas(self) -> list[bytes]:
        """The middle of the window, where the picture is, row by row."""
        left, top, width, height = self.place()
        rows = self.screen.pixels()[top + height // 2 - 120 : top + height // 2 + 120]
        middle = left + (width - 250) // 2
        return [row[(middle - 120) * 4 : (middle + 120) * 4] for row in rows]

    def has_picture(self) -> bool:
        """A picture has many colours; the ground and a message have few."""
        assert self.process.poll() is None, self.said()
        rows = self.canvas()
        colours = {row[at : at + 3] for row in rows for at in range(0, len(row), 4)}
        return len(colours) > 500

    def key(self, key: str) -> None:
        # Without a window manager nobody else gives a window the keyboard.
        self.screen.do("windowfocus", self.window)
        self.screen.do("key", key)
        # A frame by a software driver takes its time, and a box is open after two.
        time.sleep(1.5)

    def saved(self, name: str) -> Saved:
        """The project as it is now, by its record and its files. The path comes from the clipboard: into a text field goes text."""
        path = self.home / f"{name}.stylebrush"
        for _ in range(4):
            self.key("F6")
            self.screen.put_on_clipboard("UTF8_STRING", str(path).encode())
            self.screen.do("key", "ctrl+a")
            self.screen.do("key", "ctrl+v")
            # At once: what follows the key waits until the text is there.
            self.screen.do("key", "Return")
            started = time.monotonic()
            while not path.exists() and time.monotonic() - started < 20:
                time.sleep(0.2)
            if path.exists():
                break
            # The box was not open yet: a busy machine.
            self.key("Escape")
        assert path.exists(), f"{path} is not saved"
        time.sleep(1)
        with zipfile.ZipFile(path) as archive:
            return json.loads(archive.read("document.json")), {name: archive.read(name) for name in archive.namelist()}

    def wait_for_photos(self, name: str, count: int) -> Saved:
        tries = iter(range(1000))
        return wait_until(f"there are {count} photos", lambda: self.with_photos(f"{name} {next(tries)}", count))

    def with_photos(self, name: str, count: int) -> Saved | None:
        record, files = self.saved(name)
        return (record, files) if len(record["photos"]) == count else None

    def quit(self) -> None:
        self.key("ctrl+q")
        # Something may be unsaved: “Don’t save” is the second button.
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(timeout=20)


def check_clipboard(screen: Screen, program: str, folder: Path) -> None:
    editor = Program(screen, program, folder / "clipboard")
    record, _ = editor.saved("start")
    assert len(record["photos"]) == 2, record["photos"]

    picture = png(80, 80, lambda x, y: (3 * x, 3 * y, 77))
    screen.put_on_clipboard("image/png", picture)
    editor.key("ctrl+v")
    record, files = editor.wait_for_photos("picture", 3)
    assert any(data.startswith(b"\x89PNG") and data[16:24] == struct.pack(">II", 80, 80) for data in files.values())
    assert record["source"] == 0, "it is painted from, not on"

    copied = folder / "a copied photo.png"
    copied.write_bytes(PORTRAITS[3].read_bytes())
    screen.put_on_clipboard("text/uri-list", f"file://{str(copied).replace(' ', '%20')}\r\n".encode())
    editor.key("ctrl+shift+v")
    record, _ = editor.wait_for_photos("files", 4)
    assert record["photos"][3]["name"] == "a copied photo", record["photos"][3]
    assert record["source"] == 3, "it is painted on"

    screen.put_on_clipboard("UTF8_STRING", b"no path at all")
    editor.key("ctrl+v")
    record, _ = editor.saved("nothing")
    assert len(record["photos"]) == 4

    editor.key("ctrl+c")
    copied = wait_until("the picture is on the clipboard", lambda: screen.clipboard("image/png"))
    assert copied.startswith(b"\x89PNG"), copied[:8]
    # And what was copied here is pasted here.
    editor.key("ctrl+v")
    editor.wait_for_photos("own", 5)
    assert "panicked" not in editor.said(), editor.said()
    editor.quit()


def check_two_programs(screen: Screen, program: str, folder: Path) -> None:
    home = folder / "two"
    first = Program(screen, program, home)
    second = Program(screen, program, home)
    recovery = home / ".local/share/stylebrush/recovery"
    # What is seen may still be the first one's picture.
    wait_until("both have their place for autosaves", lambda: len(list(recovery.glob("*.lock"))) == 2)
    places = [first.place(), second.place()]
    assert places[0][:2] != places[1][:2], f"{places}: the second window hides the first"
    second.process.kill()
    second.process.wait()
    first.quit()
    # The next one clears away what the dead left.
    third = Program(screen, program, home)
    third.quit()
    wait_until("nothing is left of three programs", lambda: not list(recovery.glob("*.lock")), 10)


def check_opengl(screen: Screen, program: str, folder: Path) -> None:
    pictures = {}
    for backend in ["vulkan", "gl"]:
        editor = Program(screen, program, folder / backend, WGPU_BACKEND=backend)
        # A stroke, and the mask in red over it: everything that the shader does.
        left, top, width, height = editor.place()
        x, y = left + (width - 250) // 2, top + height // 2
        screen.do("mousemove", str(x - 60), str(y), "mousedown", "1")
        for step in range(-60, 61, 12):
            screen.do("mousemove", str(x + step), str(y))
        screen.do("mouseup", "1")
        editor.key("shift+m")
        time.sleep(4)
        said = editor.said()
        assert "panicked" not in said and "graphics driver" not in said, said
        record, _ = editor.saved("painted")
        assert record["layers"], record
        time.sleep(2)
        pictures[backend] = editor.canvas()
        editor.quit()
    values = [(a, b) for rows in zip(*pictures.values(), strict=True) for a, b in zip(*rows, strict=True)]
    distance = sum(abs(a - b) for a, b in values) / len(values)
    print(f"OpenGL and Vulkan differ by {distance:.2f} of 255 on average")
    assert distance < 2.0, "OpenGL draws something else"


def main() -> None:
    program = str(Path(sys.argv[1]).resolve())
    wanted = sys.argv[2:]
    for check in [check_clipboard, check_two_programs, check_opengl]:
        if wanted and check.__name__ not in wanted:
            continue
        with tempfile.TemporaryDirectory() as folder:
            screen = Screen(Path(folder))
            try:
                check(screen, program, Path(folder))
            finally:
                screen.close()
        print(f"{check.__name__}: well")


if __name__ == "__main__":
    main()
