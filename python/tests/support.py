# SPDX-License-Identifier: Apache-2.0
"""The run that the tests look into: HEADVIS_WORK and HEADVIS_DATA, made by make data."""

import os
import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
WORK = (ROOT / os.environ.get("HEADVIS_WORK", "work")).resolve()
DATA = (ROOT / os.environ.get("HEADVIS_DATA", "data")).resolve()
