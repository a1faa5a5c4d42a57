"""Words and their numbers, as captioners read and write them."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

PADDING, BEGIN, END, UNKNOWN = range(4)
SPECIALS: Final = ("<pad>", "<begin>", "<end>", "<unknown>")
MAX_WORDS: Final = 50_000
TOKEN: Final = re.compile(r"[^\W_]+(?:['-][^\W_]+)*|[.,]")


def tokens(caption: str) -> list[str]:
    """Words in lower case, full stops and commas; hyphens and apostrophes stay within words."""
    return TOKEN.findall(caption.lower())


class Vocabulary:
    """Words numbered in a fixed order, after the four special ones.

    Args:
        words: each a single token, none twice; at most MAX_WORDS.

    Raises:
        ValueError: they are anything else.
    """

    def __init__(self, words: Sequence[str] = ()) -> None:
        if not isinstance(words, list | tuple) or not all(isinstance(word, str) for word in words):
            raise ValueError(f"a vocabulary is a list of words, not {words!r:.80}")
        if len(words) > MAX_WORDS:
            raise ValueError(f"a vocabulary has at most {MAX_WORDS} words, not {len(words)}")
        for word in words:
            if tokens(word) != [word]:
                raise ValueError(f"{word!r:.80} is not a word of a vocabulary")
        self.words = tuple(words)
        self._numbers = {word: number for number, word in enumerate(words, len(SPECIALS))}
        if len(self._numbers) < len(words):
            raise ValueError("a vocabulary has a word twice")

    @classmethod
    def of(cls, captions: Iterable[str]) -> "Vocabulary":
        """All words of some captions, the most frequent first, then by the alphabet."""
        counts = Counter(word for caption in captions for word in tokens(caption))
        return cls(sorted(counts, key=lambda word: (-counts[word], word)))

    def __len__(self) -> int:
        return len(SPECIALS) + len(self.words)

    def encode(self, caption: str) -> list[int]:
        """The numbers of a caption's words, then END; unknown words are UNKNOWN."""
        return [*(self._numbers.get(word, UNKNOWN) for word in tokens(caption)), END]

    def decode(self, numbers: Iterable[int]) -> str:
        """The words up to the first END, with spaces where English has them."""
        words = []
        for number in numbers:
            if number == END:
                break
            words.append((*SPECIALS, *self.words)[number])
        return " ".join(words).replace(" ,", ",").replace(" .", ".")
