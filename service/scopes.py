"""What a key needs for each operation: one table, so that it can be read at once."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from gallery import Scope

ANY_KEY: Final[frozenset[Scope]] = frozenset()

_OPERATIONS: Final[Mapping[frozenset[Scope], str]] = {
    ANY_KEY: (
        "signIn signOut getSession listCameras getCamera listOnwards listModels getModel listCalibrations"
    ),
    frozenset({Scope.SEARCH}): (
        "createProbe getProbe deleteProbe getProbeImage createSearch searchByPhoto listSearches searchAgain "
        "getSearch getHitsCsv"
    ),
    frozenset({Scope.VIEW}): "getTracklet getThumbnail getClip getVideoClip",
    frozenset({Scope.VIEW, Scope.INDEX, Scope.ADMINISTER}): "listVideos getVideo",
    frozenset({Scope.REVIEW}): (
        "listMarks listMarkChanges undoMark markHit unmarkHit listHitsToJudge refineSearch "
        "reviewMarks getReviewedPhoto confirmMark withdrawConfirmation "
        "getSearchEvidence listSearchEvidence getEvidenceProgress createCase listCases getCase changeCase "
        "deleteCase addCaseItem "
        "removeCaseItem addCaseNote getJourney getJourneyTimeline getJourneyMap getCaseEvidence "
        "listCaseEvidence"
    ),
    frozenset({Scope.INDEX}): (
        "createCamera changeCamera correctVideo createUpload appendToUpload getUpload deleteUpload "
        "listMedia getMediaStart createIndexJob listIndexJobs getIndexJob cancelIndexJob retryIndexJob "
        "listFailedRecordings"
    ),
    frozenset({Scope.ADMINISTER}): (
        "deleteCamera eraseVideo rollBackModel promoteModel shadowModel calibrate resetCalibration "
        "createModelJob listModelJobs getModelJob cancelModelJob getModelJobReport planErasure erase putHold "
        "liftHold "
        "setRetentionRule removeRetentionRule runRetention createWebhook listWebhooks deleteWebhook "
        "listDeliveries listCameraGroups putCameraGroup deleteCameraGroup "
        "listKeys createKey revokeKey listSessions endSession"
    ),
    frozenset({Scope.ADMINISTER, Scope.AUDIT}): (
        "listErasures getErasure getCertificateText listHolds listRetentionRules getSystem"
    ),
    frozenset({Scope.AUDIT}): "getAuditAnchor listAuditEvents verifyAuditTrail exportAuditTrail",
}

NEEDED: Final[Mapping[str, frozenset[Scope]]] = MappingProxyType(
    {operation: scopes for scopes, names in _OPERATIONS.items() for operation in names.split()}
)
"""Of each operation under /v1, the scopes of which its key needs one; none of them: any key will do."""

_WHOLE: Final = (
    "createCamera changeCamera deleteCamera listCameraGroups putCameraGroup deleteCameraGroup "
    "rollBackModel promoteModel shadowModel calibrate resetCalibration createModelJob listModelJobs "
    "getModelJob cancelModelJob getModelJobReport listAuditEvents getAuditAnchor verifyAuditTrail "
    "exportAuditTrail "
    "getSystem listKeys createKey revokeKey listSessions endSession planErasure erase listErasures "
    "getErasure getCertificateText putHold liftHold listHolds setRetentionRule removeRetentionRule "
    "listMedia getMediaStart runRetention listRetentionRules createWebhook listWebhooks deleteWebhook "
    "listDeliveries"
)
WHOLE_GALLERY: Final[frozenset[str]] = frozenset(_WHOLE.split())
"""What a key that is limited to cameras may not do, whatever its scopes: it would show or change others."""


def operations_of(scopes: frozenset[Scope], *, all_cameras: bool) -> list[str]:
    """The operations that a key with these scopes may ask for, by name."""
    return sorted(
        operation
        for operation, needed in NEEDED.items()
        if (not needed or needed & scopes) and (all_cameras or operation not in WHOLE_GALLERY)
    )
