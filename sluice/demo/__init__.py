"""The demo company: a simulated company in Odoo's own tables, with desktop recordings of the same people's work."""

from sluice.demo.demo import DemoState, advance, ensure, state
from sluice.demo.touch import Touched, touch

__all__ = ["DemoState", "Touched", "advance", "ensure", "state", "touch"]
