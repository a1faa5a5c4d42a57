"""Sections of a recipe that one kind of network alone has, and what all sections have in common."""

from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from models.networks.fixed_model_reuse import Mode as ReuseMode
from models.siamese import SiameseForm

Share = Annotated[float, Field(ge=0, le=1)]
Weight = Annotated[float, Field(ge=0)]
Positive = Annotated[int, Field(ge=1)]


class Section(BaseModel):
    """Keys with values of exactly their types, and no others."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


class Saa(Section):
    """What 3D-SAA + CMIL adds to TKP's losses; `triplets`, its lambda, is a factor on TKP's triplets too."""

    appearance: Literal["mban", "sheet", "none"] = Field("mban", description="what the third stream sees")
    mask: Literal["paper", "scaled", "local", "none"] = Field("local", description="of MBAN")
    tile: int = Field(32, ge=8, le=64, multiple_of=2, description="side of a part's tile, in pixels")
    appearance_cross_entropy: Weight = 1.0
    fused_cross_entropy: Weight = 1.0
    appearance_to_video: Weight = 1.0
    interactive: bool = Field(True, description="CMIL")
    alpha: Share = Field(0.5, description="share of the clip in CMIL's query")
    scaled_attention: bool = False
    interactive_teaches_video: bool = True
    triplets: Weight = Field(1.5, description="lambda")

    @model_validator(mode="after")
    def _learns(self) -> Self:
        own = self.appearance_cross_entropy + self.fused_cross_entropy
        if self.appearance != "none" and not own + self.triplets * self.appearance_to_video:
            raise ValueError("no term teaches the appearance stream")
        return self


class Crf(Section):
    """Of the CRF network: its stage, and the weights (0 leaves one out) and forms of its terms."""

    stage: Literal["parts", "fusion"] = "parts"
    siamese: Weight = 1.0
    form: SiameseForm = "crf"
    margin: float = Field(2.0, gt=0)
    identity: Weight = Field(1.0, description="of each of the two softmax losses")
    photos: Weight = Field(0.0, description="of the same terms between first frames and clips; ours")

    @model_validator(mode="after")
    def _learns(self) -> Self:
        if not self.siamese and not self.identity:
            raise ValueError("siamese and identity are both 0")
        return self


class CrossModal(Section):
    """Of cross-modal embeddings: the weights of the terms, and how which captioner is reused."""

    verification: Weight = 1.0
    image_identity: Weight = 0.5
    video_identity: Weight = 0.5
    reuse: ReuseMode = "propagation-knockdown"
    captioner: str | None = Field(None, description="the path of its checkpoint")
    reconstruction: Weight = Field(1.0, description="of the fixed features from the network's")
    ridge: Weight = Field(1e-4, description="on W, U and V")
    knockdown: float = Field(0.5, gt=0, le=1, description="share of the run in which all of it goes")

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.reuse != "none" and self.captioner is None:
            raise ValueError("captioner must name a checkpoint, or reuse must be none")
        if not self.verification and not (self.image_identity and self.video_identity):
            raise ValueError("with verification 0, a branch whose identity is 0 would learn nothing")
        return self


class Vkd(Section):
    """Of VKD: what a student learns from its teacher; without one, a teacher learns."""

    teacher: str | None = Field(None, description="folder of the run that trained the teacher")
    frames: Positive = Field(2, description="of a clip that the student sees; the teacher sees all")
    temperature: float = Field(10.0, gt=0)
    view_distillation: Weight = 0.1
    distance_distillation: Weight = 1e-4
    fresh_stage: bool = Field(True, description="the student's last stage begins with ImageNet's weights")


class Alignment(Section):
    """Of cross-modality alignment: weights of its terms (0 leaves one out), and who is known from photos."""

    siamese: Weight = 1.0
    margin: float = Field(2.0, gt=0)
    pseudo: Weight = Field(1.0, description="of all terms of pseudo sequences")
    align: Weight = Field(1.0, description="of pseudo sequences that resemble the real ones")
    image_people: Share = Field(0.0, description="share of the people of whom only photos are known")
    use_images: bool = Field(True, description="or leave these people out")


# Sections of one kind of network.
OWN: Final = {
    "saa": "3d-saa-cmil",
    "crf": "crf",
    "vkd": "vkd",
    "alignment": "cross-modality-alignment",
}
