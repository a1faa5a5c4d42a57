"""Changes of valid input: bits, lengths, pieces and numbers of files; values and shapes of JSON."""

import json
import random
import re
from collections.abc import Callable, Sequence
from typing import Any, Final

NUMBERS: Final = (0, 1, -1, 2, 7, 127, 128, 255, 256, 32767, 32768, 65535, 65536, 2**24, 2**31 - 1, 2**31)
NUMBERS_64: Final = (2**32 - 1, 2**32, 2**53, 2**63 - 1, 2**63, 2**64 - 1, 10**18)
NASTY: Final[Sequence[Any]] = (
    *(None, True, False, 0, 1, -1, 0.5, -0.0, 2**31, 2**63, 2**64, -(2**63), 10**400, 1e308, 5e-324),
    *(
        float("nan"),
        float("inf"),
        "",
        " ",
        "\0",
        "\ud800",
        "a" * 300,
        "é\u202e\x1b[2J",
        "../../x",
        "/etc/passwd",
    ),
    *("1", "-1", "nan", "1e400", "٣", "2026-03-01T12:00:00Z", [], {}, [[]], {"": None}, [None], [0] * 50),
)
_WORDS: Final = (
    "0",
    "-1",
    "1e400",
    "nan",
    "inf",
    "\0",
    "\r\n",
    "\n",
    ";",
    ",",
    "\t",
    '"',
    "'",
    "\ufeff",
    "/",
    "..",
)
TOKENS: Final = (
    *(one.encode() for one in _WORDS),
    *(b"../", b"\xff", b"\xff\xfe", b"\x80", b"%00", b"9" * 30, b"9" * 400, b"0.", b"\xed\xa0\x80"),
)
LARGEST: Final = 1 << 20
_DIGITS: Final = re.compile(rb"\d+")

Change = Callable[["Shake", bytearray], None]


class Shake:
    """Changes input at random, the same for the same seed.

    Args:
        random_: where chance comes from.
        tokens: words that mean something to what reads the input.
    """

    def __init__(self, random_: random.Random, tokens: Sequence[bytes] = ()) -> None:
        self.random = random_
        self._tokens = (*TOKENS, *tokens, *tokens)

    def havoc(self, data: bytes, other: bytes = b"") -> bytes:
        """Some changes after another; `other` is cut into the data now and then."""
        shaken = bytearray(data)
        for _ in range(1 << self.random.choice((0, 0, 1, 1, 2, 3, 5))):
            self.random.choice(_CHANGES)(self, shaken)
        if other and self.random.random() < 0.1:
            at, begin = self.place(shaken), self.place(other)
            shaken[at:] = other[begin:]
        return bytes(shaken[:LARGEST])

    def text(self, data: bytes, other: bytes = b"") -> bytes:
        """The same for lines of text: lines double, go, change places."""
        if self.random.random() < 0.5:
            return self.havoc(data, other)
        lines = data.split(b"\n")
        for _ in range(self.random.randint(1, 4)):
            at = self.random.randrange(len(lines))
            change = self.random.randrange(4)
            if change == 0:
                lines.insert(at, self.random.choice(lines))
            elif change == 1 and len(lines) > 1:
                del lines[at]
            else:
                lines[at] = self.havoc(lines[at], self.random.choice(lines))
        return b"\n".join(lines)[:LARGEST]

    def json(self, data: bytes, other: bytes = b"") -> bytes:
        """Another document of JSON, or one that is damaged as text."""
        try:
            document = json.loads(data)
        except (ValueError, RecursionError):
            return self.havoc(data, other)
        if self.random.random() < 0.15:
            return self.havoc(data, other)
        return self.dumped(self.document(document))

    def dumped(self, document: Any) -> bytes:
        """A document as JSON, with numbers that JSON has not and in any encoding."""
        if self.random.random() < 0.02:
            return json.dumps(document).encode().replace(b"0", b"[" * 3000 + b"]" * 3000, 1)
        return json.dumps(document, ensure_ascii=self.random.random() < 0.9).encode(errors="surrogatepass")

    def document(self, document: Any) -> Any:
        """The values of a document changed at one to three places."""
        document = json.loads(json.dumps(document))
        for _ in range(self.random.randint(1, 3)):
            document = self._value(document, 0)
        return document

    def value(self) -> Any:
        """Something that is seldom expected."""
        return json.loads(json.dumps(self.random.choice(NASTY)))

    def place(self, data: bytes | bytearray) -> int:
        """Somewhere in the data, more often at its beginning."""
        end = min(64, len(data)) if self.random.random() < 0.3 else len(data)
        return self.random.randint(0, max(0, end))

    def token(self) -> bytes:
        return self.random.choice(self._tokens)

    def _value(self, value: Any, depth: int) -> Any:
        """One change in a value or somewhere below it."""
        if isinstance(value, dict) and value and self.random.random() < 0.9:
            key = self.random.choice(list(value))
            change = self.random.randrange(10)
            if change == 0:
                del value[key]
            elif change == 1:
                value[str(self.value())] = value[key]
            elif change == 2:
                value[self.random.choice(list(value))] = json.loads(json.dumps(value[key]))
            else:
                value[key] = self._value(value[key], depth + 1)
            return value
        if isinstance(value, list) and value and self.random.random() < 0.85:
            at = self.random.randrange(len(value))
            change = self.random.randrange(8)
            if change == 0:
                del value[at]
            elif change == 1:
                value.extend(json.loads(json.dumps([value[at]] * self.random.choice((1, 2, 100)))))
            else:
                value[at] = self._value(value[at], depth + 1)
            return value
        return self._scalar(value)

    def _scalar(self, value: Any) -> Any:
        chance = self.random.random()
        if isinstance(value, str) and chance < 0.5:
            return self.havoc(value.encode(errors="surrogatepass")).decode(errors="surrogateescape")[:5000]
        if isinstance(value, bool) or not isinstance(value, int | float) or chance > 0.6:
            return self.value()
        if chance < 0.2:
            return self.random.choice((*NUMBERS, *NUMBERS_64))
        step = self.random.choice((1, -1, 10, -100))
        return value + step if chance < 0.4 else -value if chance < 0.5 else value * step


def _flip(shake: Shake, data: bytearray) -> None:
    if data:
        at = min(shake.place(data), len(data) - 1)
        data[at] ^= 1 << shake.random.randrange(8)


def _byte(shake: Shake, data: bytearray) -> None:
    if data:
        data[min(shake.place(data), len(data) - 1)] = shake.random.choice(
            (0, 1, 127, 128, 255, shake.random.randrange(256))
        )


def _cut(shake: Shake, data: bytearray) -> None:
    at = shake.place(data)
    del data[at : at + shake.random.choice((1, 2, 4, 16, 400))]


def _end(shake: Shake, data: bytearray) -> None:
    del data[shake.place(data) :]


def _repeat(shake: Shake, data: bytearray) -> None:
    at, length = shake.place(data), shake.random.choice((1, 4, 12, 100, 1000))
    data[at:at] = data[at : at + length] * shake.random.choice((1, 1, 2, 30))


def _noise(shake: Shake, data: bytearray) -> None:
    at = shake.place(data)
    noise = shake.random.randbytes(shake.random.choice((1, 4, 32)))
    data[at : at + (len(noise) if shake.random.random() < 0.5 else 0)] = noise


def _word(shake: Shake, data: bytearray) -> None:
    at, token = shake.place(data), shake.token()
    data[at : at + (len(token) if shake.random.random() < 0.5 else 0)] = token


def _number(shake: Shake, data: bytearray) -> None:
    """A number of 1 to 8 bytes that programs stumble over, in either order of bytes."""
    size = shake.random.choice((1, 2, 4, 4, 8))
    value = shake.random.choice((*NUMBERS, *NUMBERS_64)) & ((1 << 8 * size) - 1)
    at = shake.place(data)
    data[at : at + size] = value.to_bytes(size, shake.random.choice(("big", "little")))


def _length(shake: Shake, data: bytearray) -> None:
    """What may be a length, as it is not beyond the end, becomes a little or much more, or less."""
    size = shake.random.choice((2, 4, 4, 8))
    order: Any = shake.random.choice(("big", "little"))
    for _ in range(32):
        at = shake.place(data)
        value = int.from_bytes(data[at : at + size], order)
        if 0 < value <= len(data) - at:
            wanted = shake.random.choice((value + 1, value - 1, value * 2, len(data), 0, 2 ** (8 * size) - 1))
            data[at : at + size] = (wanted & ((1 << 8 * size) - 1)).to_bytes(size, order)
            return


def _digits(shake: Shake, data: bytearray) -> None:
    """A number in a text."""
    found = [*_DIGITS.finditer(bytes(data[:4096]))]
    if found:
        chosen = shake.random.choice(found)
        value = shake.random.choice((*NUMBERS, *NUMBERS_64, 10**30))
        data[chosen.start() : chosen.end()] = str(value).encode()


_CHANGES: Final[Sequence[Change]] = (
    *(
        _flip,
        _flip,
        _byte,
        _byte,
        _cut,
        _end,
        _repeat,
        _noise,
        _word,
        _number,
        _number,
        _length,
        _length,
        _digits,
    ),
)
