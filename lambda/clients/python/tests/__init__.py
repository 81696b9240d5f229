"""Tests of the client; `python3 -m unittest discover -s tests -t .`, with any directory as the working directory."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "src"))
