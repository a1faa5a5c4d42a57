"""The record: cameras, videos, tracklets, vectors, jobs, keys, searches; kept consistent behind one door.

    with Gallery.open(GallerySettings()) as gallery:
        cameras = Filters(camera_ids=frozenset({1, 2}))
        ranking = gallery.snapshot(model_id).search(embedding, limit=20, filters=cameras)

Other packages import from here, and from `gallery.errors` when they need the whole tree of errors. A name
loads when it is first used: code that wants a record or an error need not wait for FAISS.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gallery.catalogue.cameras import CAMERA_DEFAULTS as CAMERA_DEFAULTS
    from gallery.catalogue.cameras import group_name as group_name
    from gallery.catalogue.catalogue import Catalogue as Catalogue
    from gallery.clock import FrameClock as FrameClock
    from gallery.disk.media import exported_directory as exported_directory
    from gallery.disk.objects import ObjectState as ObjectState
    from gallery.disk.places import AtHand as AtHand
    from gallery.disk.places import Places as Places
    from gallery.erasure.kept import keep_certificates as keep_certificates
    from gallery.erasure.kept import read_certificates as read_certificates
    from gallery.erasure.readable import certificate_text as certificate_text
    from gallery.erasure.repeating import Repeated as Repeated
    from gallery.errors import AlreadyIndexed as AlreadyIndexed
    from gallery.errors import CatalogueUnavailable as CatalogueUnavailable
    from gallery.errors import Conflict as Conflict
    from gallery.errors import GalleryError as GalleryError
    from gallery.errors import InvalidInput as InvalidInput
    from gallery.errors import LeaseLost as LeaseLost
    from gallery.errors import NotFound as NotFound
    from gallery.errors import ObjectsUnavailable as ObjectsUnavailable
    from gallery.errors import ObjectUnusable as ObjectUnusable
    from gallery.errors import VectorsUnavailable as VectorsUnavailable
    from gallery.formats import RECORDING_SUFFIXES as RECORDING_SUFFIXES
    from gallery.formats import recording_formats as recording_formats
    from gallery.gallery import Gallery as Gallery
    from gallery.jobs.jobs import Jobs as Jobs
    from gallery.object_urls import is_object as is_object
    from gallery.object_urls import object_name as object_name
    from gallery.reason import because as because
    from gallery.records.access import KEY_PREFIX as KEY_PREFIX
    from gallery.records.access import Anchor as Anchor
    from gallery.records.access import ChainReport as ChainReport
    from gallery.records.access import EventInfo as EventInfo
    from gallery.records.access import GroupInfo as GroupInfo
    from gallery.records.access import KeyInfo as KeyInfo
    from gallery.records.access import Scope as Scope
    from gallery.records.access import SessionInfo as SessionInfo
    from gallery.records.cameras import CameraInfo as CameraInfo
    from gallery.records.cases import CaseChanges as CaseChanges
    from gallery.records.cases import CaseInfo as CaseInfo
    from gallery.records.cases import ItemKind as ItemKind
    from gallery.records.coverage import CameraCoverage as CameraCoverage
    from gallery.records.coverage import Coverage as Coverage
    from gallery.records.coverage import FiledState as FiledState
    from gallery.records.coverage import Missing as Missing
    from gallery.records.coverage import MissingReason as MissingReason
    from gallery.records.coverage import Unindexed as Unindexed
    from gallery.records.erasure import ErasureInfo as ErasureInfo
    from gallery.records.erasure import ErasureKind as ErasureKind
    from gallery.records.erasure import ErasurePlan as ErasurePlan
    from gallery.records.erasure import ErasureTarget as ErasureTarget
    from gallery.records.erasure import HoldInfo as HoldInfo
    from gallery.records.erasure import HoldKind as HoldKind
    from gallery.records.erasure import RetentionKind as RetentionKind
    from gallery.records.erasure import RetentionRuleInfo as RetentionRuleInfo
    from gallery.records.figures import Figures as Figures
    from gallery.records.figures import KindFigures as KindFigures
    from gallery.records.jobs import EXPECTED_SECONDS as EXPECTED_SECONDS
    from gallery.records.jobs import AdaptOptions as AdaptOptions
    from gallery.records.jobs import Claim as Claim
    from gallery.records.jobs import Completion as Completion
    from gallery.records.jobs import DueDelivery as DueDelivery
    from gallery.records.jobs import FiledFile as FiledFile
    from gallery.records.jobs import JobInfo as JobInfo
    from gallery.records.jobs import JobKind as JobKind
    from gallery.records.jobs import NewRecording as NewRecording
    from gallery.records.jobs import Outlived as Outlived
    from gallery.records.jobs import RecordingInfo as RecordingInfo
    from gallery.records.jobs import ReindexOptions as ReindexOptions
    from gallery.records.jobs import WatchedFile as WatchedFile
    from gallery.records.jobs import WatchedStamp as WatchedStamp
    from gallery.records.jobs import WebhookInfo as WebhookInfo
    from gallery.records.marks import Confirmation as Confirmation
    from gallery.records.marks import MarkChange as MarkChange
    from gallery.records.marks import MarkInfo as MarkInfo
    from gallery.records.marks import Verdict as Verdict
    from gallery.records.models import CalibrationInfo as CalibrationInfo
    from gallery.records.models import Comparison as Comparison
    from gallery.records.models import RegisteredModel as RegisteredModel
    from gallery.records.notices import Notice as Notice
    from gallery.records.notices import NoticeCode as NoticeCode
    from gallery.records.probes import FoundPerson as FoundPerson
    from gallery.records.probes import PersonQuality as PersonQuality
    from gallery.records.probes import ProbeInfo as ProbeInfo
    from gallery.records.searches import ErasedHit as ErasedHit
    from gallery.records.searches import IgnoredFor as IgnoredFor
    from gallery.records.searches import IgnoredPerson as IgnoredPerson
    from gallery.records.searches import NewSearch as NewSearch
    from gallery.records.searches import QueriedFilters as QueriedFilters
    from gallery.records.searches import QueriedProbe as QueriedProbe
    from gallery.records.searches import RecordedHit as RecordedHit
    from gallery.records.searches import Refinement as Refinement
    from gallery.records.searches import RepeatOn as RepeatOn
    from gallery.records.searches import SearchCalibration as SearchCalibration
    from gallery.records.searches import SearchInfo as SearchInfo
    from gallery.records.searches import SearchQuery as SearchQuery
    from gallery.records.searches import SearchRepeat as SearchRepeat
    from gallery.records.searches import SelectedBy as SelectedBy
    from gallery.records.searches import Selection as Selection
    from gallery.records.searches import StillThere as StillThere
    from gallery.records.searching import Approximation as Approximation
    from gallery.records.searching import Filters as Filters
    from gallery.records.searching import Hit as Hit
    from gallery.records.searching import RankBy as RankBy
    from gallery.records.searching import Ranking as Ranking
    from gallery.records.tracklets import BOX_DTYPE as BOX_DTYPE
    from gallery.records.tracklets import NewClip as NewClip
    from gallery.records.tracklets import NewTracklet as NewTracklet
    from gallery.records.tracklets import TrackletInfo as TrackletInfo
    from gallery.records.videos import FileStamp as FileStamp
    from gallery.records.videos import ModelInfo as ModelInfo
    from gallery.records.videos import NewVideo as NewVideo
    from gallery.records.videos import VideoChanges as VideoChanges
    from gallery.records.videos import VideoInfo as VideoInfo
    from gallery.records.videos import VideoReport as VideoReport
    from gallery.settings import GallerySettings as GallerySettings
    from gallery.settings import ObjectSettings as ObjectSettings
    from gallery.trail import check_trail as check_trail
    from gallery.trail_text import anchor_of as anchor_of
    from gallery.trail_text import exported as exported
    from gallery.upkeep.faults import DamagedVideo as DamagedVideo
    from gallery.upkeep.faults import Part as Part
    from gallery.validation import given_name as given_name
    from gallery.validation import given_words as given_words
    from gallery.vectors.levels import standard_scores as standard_scores
    from gallery.vectors.milvus import Milvus as Milvus
    from gallery.vectors.snapshot import Snapshot as Snapshot
    from gallery.vectors.snapshot import Stored as Stored
    from gallery.writing.writer import VideoWriter as VideoWriter

_HOMES = {
    "catalogue.cameras": ["CAMERA_DEFAULTS", "group_name"],
    "catalogue.catalogue": ["Catalogue"],
    "clock": ["FrameClock"],
    "formats": ["RECORDING_SUFFIXES", "recording_formats"],
    "disk.media": ["exported_directory"],
    "disk.objects": ["ObjectState"],
    "object_urls": ["is_object", "object_name"],
    "disk.places": ["AtHand", "Places"],
    "errors": [
        "AlreadyIndexed",
        "CatalogueUnavailable",
        "Conflict",
        "GalleryError",
        "InvalidInput",
        "LeaseLost",
        "NotFound",
        "ObjectUnusable",
        "ObjectsUnavailable",
        "VectorsUnavailable",
    ],
    "gallery": ["Gallery"],
    "jobs.jobs": ["Jobs"],
    "records.access": [
        "KEY_PREFIX",
        "Anchor",
        "ChainReport",
        "EventInfo",
        "GroupInfo",
        "KeyInfo",
        "Scope",
        "SessionInfo",
    ],
    "records.cameras": ["CameraInfo"],
    "records.cases": ["CaseChanges", "CaseInfo", "ItemKind"],
    "records.coverage": [
        "CameraCoverage",
        "Coverage",
        "FiledState",
        "Missing",
        "MissingReason",
        "Unindexed",
    ],
    "records.figures": ["Figures", "KindFigures"],
    "erasure.kept": ["keep_certificates", "read_certificates"],
    "erasure.readable": ["certificate_text"],
    "erasure.repeating": ["Repeated"],
    "records.erasure": [
        "ErasureInfo",
        "ErasureKind",
        "ErasurePlan",
        "ErasureTarget",
        "HoldInfo",
        "HoldKind",
        "RetentionKind",
        "RetentionRuleInfo",
    ],
    "records.jobs": [
        "EXPECTED_SECONDS",
        "AdaptOptions",
        "Claim",
        "Completion",
        "FiledFile",
        "JobInfo",
        "JobKind",
        "NewRecording",
        "Outlived",
        "RecordingInfo",
        "ReindexOptions",
        "WatchedFile",
        "WatchedStamp",
        "DueDelivery",
        "WebhookInfo",
    ],
    "records.marks": ["Confirmation", "MarkChange", "MarkInfo", "Verdict"],
    "records.models": ["CalibrationInfo", "Comparison", "RegisteredModel"],
    "records.notices": ["Notice", "NoticeCode"],
    "records.probes": ["ProbeInfo", "FoundPerson", "PersonQuality"],
    "records.searches": [
        "SearchCalibration",
        "SearchInfo",
        "NewSearch",
        "QueriedFilters",
        "QueriedProbe",
        "RecordedHit",
        "Refinement",
        "SearchQuery",
        "SearchRepeat",
        "RepeatOn",
        "ErasedHit",
        "IgnoredFor",
        "IgnoredPerson",
        "SelectedBy",
        "Selection",
        "StillThere",
    ],
    "records.searching": ["Approximation", "Filters", "Hit", "RankBy", "Ranking"],
    "records.tracklets": ["BOX_DTYPE", "NewClip", "NewTracklet", "TrackletInfo"],
    "records.videos": ["ModelInfo", "NewVideo", "VideoChanges", "VideoInfo", "FileStamp", "VideoReport"],
    "reason": ["because"],
    "settings": ["GallerySettings", "ObjectSettings"],
    "upkeep.faults": ["DamagedVideo", "Part"],
    "vectors.levels": ["standard_scores"],
    "vectors.milvus": ["Milvus"],
    "vectors.snapshot": ["Snapshot", "Stored"],
    "writing.writer": ["VideoWriter"],
    "trail": ["check_trail"],
    "trail_text": ["anchor_of", "exported"],
    "validation": ["given_name", "given_words"],
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"gallery.{_HOME_OF[name]}"), name)
