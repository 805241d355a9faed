"""`sluice doctor`: looks at an installation from the outside and names what is wrong, each with the command that repairs it."""

from sluice.doctor.examination import doctor, examine
from sluice.doctor.findings import NOTE, WELL, WRONG, Finding

__all__ = ["NOTE", "WELL", "WRONG", "Finding", "doctor", "examine"]
