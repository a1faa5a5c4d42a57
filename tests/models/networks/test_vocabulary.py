"""Words to numbers and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.networks.vocabulary import END, MAX_WORDS, UNKNOWN, Vocabulary, tokens

CAPTION = "A slim man, wearing a red T-shirt and blue jeans. The man carries a bag."


def test_words_by_frequency_then_by_the_alphabet() -> None:
    assert tokens(CAPTION)[:9] == ["a", "slim", "man", ",", "wearing", "a", "red", "t-shirt", "and"]
    assert Vocabulary.of([CAPTION]).words == (
        *("a", ".", "man", ",", "and", "bag", "blue", "carries", "jeans"),
        *("red", "slim", "t-shirt", "the", "wearing"),
    )


def test_numbers_by_hand() -> None:
    vocabulary = Vocabulary(["a", "red", "man", "."])
    assert len(vocabulary) == 8
    assert vocabulary.encode("A red woman.") == [4, 5, UNKNOWN, 7, END]
    assert vocabulary.decode([4, 5, 6, 7, END, 4]) == "a red man."
    assert vocabulary.decode([0, 3, 1]) == "<pad> <unknown> <begin>"
    assert vocabulary.encode("") == [END]


def test_a_caption_comes_back_in_lower_case() -> None:
    vocabulary = Vocabulary.of([CAPTION])
    assert vocabulary.decode(vocabulary.encode(CAPTION)) == CAPTION.lower()


@given(st.lists(st.text(max_size=30), max_size=5))
def test_words_that_were_seen_are_never_unknown_and_order_does_not_matter(captions: list[str]) -> None:
    vocabulary = Vocabulary.of(captions)
    for caption in captions:
        numbers = vocabulary.encode(caption)
        assert UNKNOWN not in numbers
        assert numbers[-1] == END
        assert tokens(vocabulary.decode(numbers)) == tokens(caption)
    assert Vocabulary.of(reversed(captions)).words == vocabulary.words
    assert Vocabulary(vocabulary.words).words == vocabulary.words


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["a", "a"], "twice"),
        (["two words"], "not a word"),
        (["Upper"], "not a word"),
        ([""], "not a word"),
        (["<end>"], "not a word"),
        ([1], "list of words"),
        ("text", "twice|not a word|list"),
        (None, "list of words"),
        (5, "list of words"),
        (["a"] * (MAX_WORDS + 1), "at most"),
    ],
)
def test_what_is_no_vocabulary_is_refused(words: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Vocabulary(words)  # type: ignore[arg-type]
