"""The tests of a process's histories: its module names the process, and is a file of its own so that cores share them."""

import pytest

from tests.integration.histories.seeds import CASES, CHANGED, is_whole_draw, seeds


@pytest.mark.slow
class Histories:
    """Random histories of `process` on the real layers, each against a full rebuild in a fresh warehouse."""

    process: str

    @pytest.mark.parametrize("seed", seeds())
    def test_any_history_publishes_what_a_full_rebuild_does(self, player_of, seed):
        player_of(self.process).check(seed)

    @pytest.mark.skipif(not is_whole_draw(), reason="SLUICE_HISTORY_SEEDS names some seeds alone")
    def test_there_were_enough_case_histories(self, player_of):
        player = player_of(self.process)
        print(f"{player.cases} case histories, {player.changed} of them of two states or more")
        assert player.cases >= CASES and player.changed >= CHANGED
