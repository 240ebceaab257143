"""A real MQTT broker on this computer, for tests, benchmarks and the demo: mosquitto, or else amqtt."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from fillbook.errors import BadRequestError, MissingExtraError

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

Program = Literal["mosquitto", "amqtt"]
_HOST = "127.0.0.1"
_START_S, _STOP_S = 20.0, 10.0
_PLACES = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"))
_ALL = {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}}


def mosquitto_path() -> str | None:
    """Where mosquitto is installed; None where it is not."""
    return shutil.which("mosquitto", path=_PLACES)


def free_port() -> int:
    """A port nobody listens on just now."""
    with socket.socket() as attempt:
        attempt.bind((_HOST, 0))
        return int(attempt.getsockname()[1])


class LocalBroker:
    """A broker of its own process, on this computer only; ``with LocalBroker() as broker: …``.

    Parameters
    ----------
    program
        ``mosquitto`` or ``amqtt``; left out, mosquitto where it is installed.
    port
        Left out, a free one.
    login
        Name and password that are asked for (mosquitto only); left out, anybody may come in.
    certificate
        Files of a certificate and its key, for TLS (mosquitto only).
    """

    def __init__(
        self,
        program: Program | None = None,
        *,
        port: int | None = None,
        login: tuple[str, str] | None = None,
        certificate: tuple[Path, Path] | None = None,
    ) -> None:
        self.program: Program = program or ("mosquitto" if mosquitto_path() else "amqtt")
        self.port = port or free_port()
        self._login, self._certificate = login, certificate
        self._process: subprocess.Popen[bytes] | None = None
        self._scratch: tempfile.TemporaryDirectory[str] | None = None

    @property
    def uri(self) -> str:
        """Address without a bot's name."""
        return f"mqtt{'s' if self._certificate else ''}://{_HOST}:{self.port}"

    def __enter__(self) -> Self:
        """Start it."""
        self.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        """Stop it."""
        self.stop()

    def start(self) -> None:
        """Start it and wait until it listens.

        Raises
        ------
        MissingExtraError
            Neither program is installed.
        BadRequestError
            It does not start.
        """
        if self._scratch is None:
            self._scratch = tempfile.TemporaryDirectory(prefix="fillbook-broker-")
        self._process = subprocess.Popen(  # noqa: S603  (our own words)
            self._command(Path(self._scratch.name)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
        end = time.monotonic() + _START_S
        while time.monotonic() < end and self._process.poll() is None:
            with socket.socket() as attempt:
                attempt.settimeout(1.0)
                if attempt.connect_ex((_HOST, self.port)) == 0:
                    return
            time.sleep(0.05)
        self.stop()
        message = f"the broker {self.program} does not start on port {self.port}"
        raise BadRequestError(message)

    def stop(self) -> None:
        """Stop it; what it held is gone."""
        self._end()
        if self._scratch is not None:
            self._scratch.cleanup()
            self._scratch = None

    def restart(self, *, away_s: float = 0.0) -> None:
        """Stop it and start it again on its port, `away_s` seconds later."""
        self._end()
        time.sleep(away_s)
        self.start()

    def _end(self) -> None:
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def _command(self, scratch: Path) -> list[str]:
        if self.program == "amqtt":
            if importlib.util.find_spec("amqtt") is None:
                raise MissingExtraError("live", "a broker of its own")
            return [sys.executable, "-m", "fillbook.testing.broker", str(self.port)]
        program = mosquitto_path()
        if program is None:
            message = "mosquitto is not installed"
            raise BadRequestError(message)
        config = scratch / "mosquitto.conf"
        lines = [
            f"listener {self.port} {_HOST}", "persistence false", "max_queued_messages 0",
            "set_tcp_nodelay true", f"allow_anonymous {'false' if self._login else 'true'}",
        ]  # fmt: skip
        if os.geteuid() == 0:
            lines.append("user root")  # else it may not read what root wrote
        if self._login:
            lines.append(f"password_file {_password_file(scratch, *self._login)}")
        if self._certificate:
            lines += [f"certfile {self._certificate[0]}", f"keyfile {self._certificate[1]}"]
        config.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return [program, "-c", str(config)]


def _password_file(scratch: Path, name: str, password: str) -> Path:
    path = scratch / "passwords"
    maker = shutil.which("mosquitto_passwd", path=_PLACES) or "mosquitto_passwd"
    subprocess.run([maker, "-b", "-c", str(path), name, password], check=True, capture_output=True)  # noqa: S603
    return path


async def _serve(port: int) -> None:
    from amqtt.broker import Broker  # noqa: PLC0415  (of the extra live)

    listeners = {"default": {"type": "tcp", "bind": f"{_HOST}:{port}"}}
    broker = Broker({"listeners": listeners, "plugins": _ALL})
    await broker.start()
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    await ended.wait()
    await broker.shutdown()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
