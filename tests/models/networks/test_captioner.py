"""Captioners: their features, their words, and what is refused."""

import pytest
import torch
from torch import Tensor

from models.networks.captioner import Captioner, Decoder
from models.networks.catalogue import build
from models.networks.vocabulary import BEGIN, END, Vocabulary
from models.training.objectives.captioner import caption_loss

WORDS = ["a", "red", "blue", "man", "."]


@pytest.fixture(scope="module")
def captioner() -> Captioner:
    torch.manual_seed(0)
    return Captioner(embedding=6, vocabulary=WORDS).eval()


def pictures(count: int) -> Tensor:
    return torch.randn(count, 3, 32, 32, generator=torch.Generator().manual_seed(1))


def test_features_and_sentences_have_their_shapes(captioner: Captioner) -> None:
    x, lengths = pictures(5), [2, 3]
    with torch.inference_mode():
        images, clips = captioner.embed_images(x), captioner.embed_frames(x, lengths)
        alone = torch.cat([captioner.embed_clips(clip[None]) for clip in torch.split(x, lengths)])
        sentences = captioner.describe_images(x), captioner.describe_frames(x, lengths)
    assert images.shape == (5, 6)
    assert (images >= 0).all()
    assert clips.shape == (2, 6)
    assert (clips - alone).abs().max() < 1e-5
    assert [len(texts) for texts in sentences] == [5, 2]
    assert all(isinstance(text, str) for texts in sentences for text in texts)


def test_it_is_built_again_from_its_architecture(captioner: Captioner) -> None:
    again = build("captioner", captioner.architecture)
    again.load_state_dict(captioner.state_dict())
    assert captioner.architecture["vocabulary"] == WORDS
    assert again.dimension == captioner.dimension == 6


def test_greedy_words_are_the_likeliest_each_after_the_one_before() -> None:
    """What is written, put in as the true caption, must be what the decoder finds likeliest everywhere."""
    torch.manual_seed(3)
    decoder, visual = Decoder(9, 4), torch.randn(6, 4)
    with torch.no_grad():
        decoder.output.weight.mul_(5)
        lines = decoder.write(visual, most=7)
        for line, feature in zip(lines, visual, strict=True):
            assert len(line) <= 7
            assert END not in line
            logits = decoder(feature[None], torch.tensor([[BEGIN, *line]]))[0]
            likeliest = logits.argmax(dim=1).tolist()
            assert likeliest[: len(line)] == line
            assert len(line) == 7 or likeliest[len(line)] == END


def test_the_loss_is_the_mean_over_words_without_padding() -> None:
    """A decoder that finds all V words alike: log V, however much padding there is."""
    decoder = Decoder(9, 4)
    torch.nn.init.zeros_(decoder.output.weight)
    torch.nn.init.zeros_(decoder.output.bias)
    words = torch.tensor([[BEGIN, 4, END, 0, 0], [BEGIN, 4, 5, 6, END]])
    loss = caption_loss(decoder, torch.randn(2, 4), words)
    assert loss.item() == pytest.approx(2.1972246, abs=1e-5)  # ln 9
    with torch.no_grad():
        decoder.output.bias[4] = 1.0  # 2 of the 6 words: ln(8 + e) - 2/6
    loss = caption_loss(decoder, torch.randn(2, 4), words)
    assert loss.item() == pytest.approx(2.3719 - 1 / 3, abs=1e-3)


def test_gradients_of_the_loss() -> None:
    decoder = Decoder(7, 3).double()
    words = torch.tensor([[BEGIN, 4, END, 0], [BEGIN, 5, 6, END]])
    visual = torch.randn(2, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda v: caption_loss(decoder, v, words), (visual,))


def test_no_word_depends_on_later_ones() -> None:
    decoder, visual = Decoder(9, 4), torch.randn(1, 4)
    with torch.no_grad():
        first = decoder(visual, torch.tensor([[BEGIN, 4, 5]]))
        second = decoder(visual, torch.tensor([[BEGIN, 4, 8]]))
    assert first[:, :2].equal(second[:, :2])
    assert not first[:, 2].equal(second[:, 2])


def test_new_words_make_new_decoders() -> None:
    captioner = Captioner(embedding=4)
    captioner.learn_words(Vocabulary(WORDS), torch.Generator().manual_seed(0))
    assert captioner.video_decoder.output.out_features == len(WORDS) + 4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"backbone": "resnet18"}, "no backbone 'resnet18'"),
        ({"embedding": -1}, "embedding is a number"),
        ({"vocabulary": ["a", "a"]}, "twice"),
        ({"vocabulary": [None]}, "list of words"),
        ({"vocabulary": {"a": 1}}, "list of words"),
    ],
)
def test_what_cannot_be_built_is_refused(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build("captioner", arguments)


def test_lengths_that_do_not_fit_are_refused(captioner: Captioner) -> None:
    with pytest.raises(ValueError, match="do not describe 2 frames"):
        captioner.embed_frames(pictures(2), [1])
