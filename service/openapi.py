"""Prints the API's description: `python -m service.openapi > openapi.json` after every change of it."""

import sys

from service import description
from service.app import create_app
from service.settings import ServiceSettings

if __name__ == "__main__":
    sys.stdout.write(description.text(create_app(ServiceSettings())))
