"""The detectors behind models.detector."""
