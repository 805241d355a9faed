"""The demo company: a simulated company in Odoo's own tables, with desktop recordings of the same people's work."""

from sluice.demo.demo import DemoState, advance, ensure, state

__all__ = ["DemoState", "advance", "ensure", "state"]
