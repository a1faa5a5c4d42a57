"""Simulated people, cameras and recordings with exact ground truth."""
