"""What is to be known of a probe, or of an answer, before its hits are believed."""

from dataclasses import dataclass
from enum import StrEnum


class NoticeCode(StrEnum):
    """The closed set of notices; docs/answers.md says what each means and where its limit comes from.

    How the photo came: TURNED and MIRRORED by its EXIF orientation, TRANSPARENT, ANIMATED (its first frame is
    searched), CONVERTED (ink colours to those of screens), COMPRESSED (by JPEG), DRAWN (it looks like a
    screenshot or a drawing).
    Who is on it: NOBODY, SEVERAL_PEOPLE, TINY_PEOPLE (too small to be searched for). How the person is
    seen: SMALL, BLURRED, GREY, CUT_OFF, UPPER_BODY, PROPORTIONS (nobody who stands has them), BEHIND_OTHERS,
    DOUBTFUL (the detector is hardly sure). What was chosen: OWN_BOX, BOX_APART (it has little in common with
    any person found), WHOLE_PHOTO, NAMED_TWICE. What was searched: CLOTHES, OTHER_MODEL (than the promoted
    one), RERANKED, APPROXIMATE (not all was compared one by one), ONLY_OTHERS (nobody is marked as the
    person), MARKS_LOST. Against the answer it repeats: EARLIER_ERASED, EARLIER_DAMAGED, ORDER_CHANGED. When
    it is read again: HITS_ERASED, HITS_INDEXED_ANEW, TARGET_GONE (what was searched for), MARKS_ERASED.
    """

    TURNED = "turned"
    MIRRORED = "mirrored"
    TRANSPARENT = "transparent"
    ANIMATED = "animated"
    CONVERTED = "converted"
    COMPRESSED = "compressed"
    DRAWN = "drawn"
    NOBODY = "nobody"
    SEVERAL_PEOPLE = "several_people"
    TINY_PEOPLE = "tiny_people"
    SMALL = "small"
    BLURRED = "blurred"
    GREY = "grey"
    CUT_OFF = "cut_off"
    UPPER_BODY = "upper_body"
    PROPORTIONS = "proportions"
    BEHIND_OTHERS = "behind_others"
    DOUBTFUL = "doubtful"
    OWN_BOX = "own_box"
    BOX_APART = "box_apart"
    WHOLE_PHOTO = "whole_photo"
    NAMED_TWICE = "named_twice"
    CLOTHES = "clothes"
    OTHER_MODEL = "other_model"
    RERANKED = "reranked"
    APPROXIMATE = "approximate"
    ONLY_OTHERS = "only_others"
    MARKS_LOST = "marks_lost"
    EARLIER_ERASED = "earlier_erased"
    EARLIER_DAMAGED = "earlier_damaged"
    ORDER_CHANGED = "order_changed"
    HITS_ERASED = "hits_erased"
    HITS_INDEXED_ANEW = "hits_indexed_anew"
    TARGET_GONE = "target_gone"
    MARKS_ERASED = "marks_erased"


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice, in a sentence; `warns` of something that may spoil a search, else it only tells."""

    code: NoticeCode
    text: str
    warns: bool = True
