"""Random histories of purchase to pay."""

from tests.integration.histories.whole import Histories


class TestPurchaseToPay(Histories):
    process = "purchase_to_pay"

    def test_a_planted_fault_is_found(self, player_of):
        """A build that forgets where rows belonged before leaves the case behind that a row has left."""
        assert any("event_log.cases" in line for line in player_of(self.process).play("planted")["differences"])
