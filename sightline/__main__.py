"""`python -m sightline`: what torchrun starts."""

from sightline.main import app

app()
