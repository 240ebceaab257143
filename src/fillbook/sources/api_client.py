"""Asking a Hummingbot API: one address, basic auth, bounded patience, no question that changes anything."""

from __future__ import annotations

import base64
import json
import math
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qsl, unquote, urljoin, urlsplit

from fillbook.errors import MissingExtraError, UnreadableSourceError
from fillbook.sources.credentials import HIDDEN, Credentials, credentials_for, without_secrets

if TYPE_CHECKING:
    import httpx

SCHEME = "hummingbot-api"
TLS_SCHEME = f"{SCHEME}+https"
TIMEOUT_S = 60.0  # the server reads a whole database for each page
ATTEMPTS = 4
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 60.0  # a server that asks for more is asked again later by its user
RESPONSE_BYTES = 512 * 1024 * 1024
RESPONSE_S = 600.0  # of one answer, however slowly it drips
_REDIRECTS = 3
_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
_LASTING = ("no such table", "not in index", "Database not found")  # a second asking changes nothing
_DETAIL = 200
_OPTIONS = frozenset({"timeout", "retries", "ca", "from", "to", "interval", "step"})
_LOGIN = (
    "set FILLBOOK_HUMMINGBOT_API_USERNAME and FILLBOOK_HUMMINGBOT_API_PASSWORD, or write them into "
    "~/.config/fillbook/secrets.toml"
)


class RefusedError(UnreadableSourceError):
    """An answer that is an error: its status and what the server says of it."""

    def __init__(self, uri: str, why: str, remedy: str, *, status: int, detail: str) -> None:
        super().__init__(uri, why, remedy)
        self.status = status
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Address:
    """An address of a Hummingbot API, taken apart.

    Parameters
    ----------
    uri
        As it may be shown, without secrets.
    base
        ``http://host:port``.
    path
        What is asked for, decoded, without the slashes around it.
    options
        ``timeout`` (s), ``retries``, ``ca`` (file of certificates), and what the path needs.
    credentials
        Name and password.
    """

    uri: str
    base: str
    path: str
    options: Mapping[str, str]
    credentials: Credentials = field(repr=False)

    def number(self, name: str, default: float) -> float:
        """Option that is a number of 0 or more.

        Raises
        ------
        UnreadableSourceError
            It is none.
        """
        text = self.options.get(name, "")
        try:
            value = float(text) if text else default
        except ValueError:
            value = math.nan
        if not (math.isfinite(value) and value >= 0.0):
            raise UnreadableSourceError(self.uri, f"has {name}={text}, which is no number", f"{name}=60")
        return value


def address_of(uri: str) -> Address:
    """Parts of an address, with the name and password that belong to its host.

    Raises
    ------
    UnreadableSourceError
        No host, or an option that is none.
    """
    shown = without_secrets(uri)
    try:
        parts = urlsplit(uri)
        credentials = credentials_for(uri)
    except ValueError as error:  # a bracket that never closes
        raise UnreadableSourceError(shown, "is no address", f"write {SCHEME}://host:8000") from error
    if parts.scheme == TLS_SCHEME and not (credentials.username or credentials.password):
        credentials = credentials_for(uri.replace(TLS_SCHEME, SCHEME, 1))
    place = parts.netloc.rpartition("@")[2]
    if not parts.hostname:
        raise UnreadableSourceError(shown, "names no server", f"write {SCHEME}://host:8000")
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    if unknown := sorted(set(options) - _OPTIONS):
        raise UnreadableSourceError(
            shown, f"has the option {unknown[0]}, which a Hummingbot API does not take",
            f"options are {', '.join(sorted(_OPTIONS))}",
        )  # fmt: skip
    web = "https" if parts.scheme == TLS_SCHEME else "http"
    path = unquote(parts.path).strip("/")
    return Address(shown, f"{web}://{place}", path, MappingProxyType(options), credentials)


class ApiClient:
    """A connection to one Hummingbot API. It asks, and never deletes, starts or places anything.

    Attributes
    ----------
    n_bytes
        Bytes of all answers so far.
    """

    def __init__(self, address: Address, client: httpx.Client) -> None:
        """Remember the connection; nothing is asked yet."""
        self.address = address
        self.n_bytes = 0
        self._client = client
        self._attempts = int(address.number("retries", ATTEMPTS - 1)) + 1

    def get(self, path: str, **params: object) -> Any:  # noqa: ANN401  (JSON of any form)
        """Answer to a question by its path.

        Raises
        ------
        UnreadableSourceError
            The server cannot be reached, refuses, or answers with what is no JSON.
        """
        return self._asked("GET", path, {"params": {k: str(v) for k, v in params.items()}})

    def search(self, path: str, body: Mapping[str, object]) -> Any:  # noqa: ANN401  (JSON of any form)
        """Answer to a question that the API takes as a body; errors as `get`."""
        return self._asked("POST", path, {"json": dict(body)})

    def _asked(self, method: str, path: str, what: dict[str, Any]) -> Any:  # noqa: ANN401
        for attempt in range(1, self._attempts + 1):
            is_last = attempt == self._attempts
            try:
                response, content = self._answer(method, path, what)
            except _transport_errors() as error:
                cause = _cause(error)
                if is_last or isinstance(cause, ssl.SSLError | socket.gaierror):
                    raise self._unreachable(error, cause, attempt) from error
                _pause(attempt, None)
                continue
            if response.status_code in _AGAIN and not is_last and not self._is_lasting(content):
                self._wait(attempt, response.headers.get("retry-after"))
                continue
            return self._read(response, content, attempt)
        raise AssertionError  # the last attempt returns or raises

    def _answer(self, method: str, path: str, what: dict[str, Any]) -> tuple[httpx.Response, bytes]:
        """Answer and its body, after redirects that stay on the server."""
        for _ in range(_REDIRECTS + 1):
            with self._client.stream(method, path, **what) as response:
                if not response.is_redirect:
                    return response, self._body(response)
                path = self._redirected(response)
                what = {key: value for key, value in what.items() if key != "params"}
        raise UnreadableSourceError(
            self.address.uri, "redirects in a circle",
            f"check the address; a server with TLS is {TLS_SCHEME}://host:port",
        )  # fmt: skip

    def _redirected(self, response: httpx.Response) -> str:
        """Where a redirect leads on the same server; the name and password go to no other."""
        target = urlsplit(urljoin(str(response.url), response.headers.get("location", "")))
        if target.hostname != response.url.host:
            raise UnreadableSourceError(
                self.address.uri, f"redirects to another server ({target.hostname or 'of no name'})",
                "name that server, if it is the API",
            )  # fmt: skip
        return f"{target.path}?{target.query}" if target.query else target.path

    def _body(self, response: httpx.Response) -> bytes:
        """Bytes of an answer, up to a bound of size and time."""
        parts, size, began = [], 0, time.monotonic()
        for part in response.iter_bytes():
            size += len(part)
            if size > RESPONSE_BYTES:
                why = f"answers with more than {RESPONSE_BYTES // 1024**2} MB at once"
                raise UnreadableSourceError(self.address.uri, why, "open the database's file instead")
            if time.monotonic() - began > RESPONSE_S:
                why = f"takes longer than {RESPONSE_S:g} s for one answer"
                raise UnreadableSourceError(self.address.uri, why, "open the database's file instead")
            parts.append(part)
        self.n_bytes += size
        return b"".join(parts)

    def _is_lasting(self, content: bytes) -> bool:
        text = content[:4096].decode("utf-8", "replace")
        return any(words in text for words in _LASTING)

    def _wait(self, attempt: int, asked: str | None) -> None:
        seconds = _retry_after(asked)
        if seconds is not None and seconds > LONGEST_PAUSE_S:
            why = f"asks to be left alone for {seconds:.0f} s"
            raise UnreadableSourceError(self.address.uri, why, "try again then")
        _pause(attempt, seconds)

    def _read(self, response: httpx.Response, content: bytes, attempts: int) -> Any:  # noqa: ANN401
        """JSON of an answer that is none of an error."""
        if response.is_success:
            try:
                return json.loads(content, parse_constant=lambda _name: None)
            except (ValueError, RecursionError) as error:
                kind = response.headers.get("content-type", "no type").split(";")[0]
                raise UnreadableSourceError(
                    self.address.uri, f"answers with something that is not JSON ({kind})",
                    "check that this is the address of the Hummingbot API, usually port 8000",
                ) from error  # fmt: skip
        status, detail = response.status_code, self._detail(content)
        if status in (401, 403):
            known = self.address.credentials
            why = "refuses the name and password" if known.username or known.password else (
                "wants a name and password"
            )  # fmt: skip
            raise RefusedError(self.address.uri, f"{why} ({status})", _LOGIN, status=status, detail=detail)
        times = f" {attempts} times" if attempts > 1 else ""
        said = f": {detail}" if detail else ""
        raise RefusedError(
            self.address.uri, f"answers {status}{times}{said}",
            "look into the API's log" if status >= 500 else "check the address", status=status, detail=detail,
        )  # fmt: skip

    def _detail(self, content: bytes) -> str:
        """What the server says of an error, without the password, should it repeat it."""
        try:
            said = json.loads(content).get("detail", "")
        except (ValueError, AttributeError, RecursionError):
            return ""
        text = said if isinstance(said, str) else json.dumps(said)
        known = self.address.credentials
        told = base64.b64encode(f"{known.username}:{known.password}".encode()).decode()
        for secret in filter(None, (known.password, told)):
            text = text.replace(secret, HIDDEN)
        return " ".join(text.split())[:_DETAIL]

    def _unreachable(
        self, error: httpx.RequestError, cause: BaseException | None, attempts: int
    ) -> UnreadableSourceError:
        import httpx  # noqa: PLC0415  (as below)

        uri = self.address.uri
        if isinstance(cause, ssl.SSLError):
            said = getattr(cause, "verify_message", "") or getattr(cause, "reason", "") or "handshake failed"
            return UnreadableSourceError(
                uri, f"has no valid TLS ({said})", "name its certificates with ?ca=FILE, or check the port"
            )
        if isinstance(cause, socket.gaierror):
            return UnreadableSourceError(uri, "names a host that is not known", "check the host's name")
        if isinstance(error, httpx.TimeoutException):
            seconds = self.address.number("timeout", TIMEOUT_S)
            why = f"does not answer within {seconds:g} s, asked {_times(attempts)}"
            return UnreadableSourceError(uri, why, "is it busy? ?timeout=300 waits longer")
        if isinstance(error, httpx.ConnectError):
            why = f"cannot be reached ({type(cause or error).__name__}), tried {_times(attempts)}"
            return UnreadableSourceError(uri, why, "is the API running, and the port right?")
        why = f"loses the connection in mid-answer, asked {_times(attempts)}"
        return UnreadableSourceError(uri, why, "try again, or look into the API's log")

    @classmethod
    @contextmanager
    def opened(cls, address: Address) -> Iterator[Self]:
        """Connect to an address for a while.

        Raises
        ------
        MissingExtraError
            httpx is not installed.
        UnreadableSourceError
            The file of certificates cannot be read.
        """
        try:
            import httpx  # noqa: PLC0415  (loads when used)
        except ImportError as error:
            raise MissingExtraError("api", "reading a Hummingbot API") from error
        login = address.credentials
        auth = httpx.BasicAuth(login.username, login.password) if login != Credentials() else None
        try:
            client = httpx.Client(
                base_url=address.base, timeout=max(address.number("timeout", TIMEOUT_S), 0.001), auth=auth,
                verify=_certificates(address),
                headers={"accept": "application/json", "user-agent": "fillbook"},
            )  # fmt: skip
        except httpx.InvalidURL as error:
            why = "is no address of a server"
            raise UnreadableSourceError(address.uri, why, f"write {SCHEME}://host:8000") from error
        with client:
            yield cls(address, client)


def _certificates(address: Address) -> ssl.SSLContext | bool:
    """Certificates that are trusted: the system's, or those of the file the address names."""
    if not address.options.get("ca"):
        return True
    try:
        return ssl.create_default_context(cafile=address.options["ca"])
    except (OSError, ssl.SSLError) as error:
        why = f"names a file of certificates that cannot be read: {address.options['ca']}"
        raise UnreadableSourceError(address.uri, why, "?ca= names a PEM file") from error


def _transport_errors() -> tuple[type[httpx.TransportError], type[httpx.DecodingError]]:
    import httpx  # noqa: PLC0415  (loaded by `ApiClient.opened`)

    return (httpx.TransportError, httpx.DecodingError)


def _cause(error: BaseException) -> BaseException | None:
    """The error of the system that lies below one of the library."""
    below: BaseException | None = error
    while below is not None:
        if isinstance(below, OSError):
            return below
        below = below.__cause__ or below.__context__
    return None


def _times(attempts: int) -> str:
    return "once" if attempts == 1 else f"{attempts} times"


def _pause(attempt: int, seconds: float | None) -> None:
    time.sleep(FIRST_PAUSE_S * 2 ** (attempt - 1) if seconds is None else seconds)


def _retry_after(asked: str | None) -> float | None:
    """Seconds of a Retry-After header: a number of them, or a date."""
    if not asked:
        return None
    try:
        seconds = float(asked)
        return max(seconds, 0.0) if math.isfinite(seconds) else None
    except ValueError:
        pass
    try:
        return max((parsedate_to_datetime(asked) - datetime.now(UTC)).total_seconds(), 0.0)
    except (ValueError, TypeError):
        return None
