"""Erasure over HTTP: what is asked for, listed, confirmed and certified."""
