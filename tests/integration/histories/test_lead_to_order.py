"""Random histories of lead to order."""

from tests.integration.histories.whole import Histories


class TestLeadToOrder(Histories):
    process = "lead_to_order"
