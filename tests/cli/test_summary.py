import json
from pathlib import Path

import pytest

from tests_cli import Run
