"""Alerts: incidents found in ops.*, told once by e-mail and webhook when they begin and once when they are over."""

from sluice.alerts.looking import Looked, look, send_test

__all__ = ["Looked", "look", "send_test"]
