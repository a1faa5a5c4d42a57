"""Probes: what is to be known of a photo and of the person on it, before a search is believed."""
