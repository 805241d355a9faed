"""Random histories of order to cash."""

from tests.integration.histories.whole import Histories


class TestOrderToCash(Histories):
    process = "order_to_cash"
