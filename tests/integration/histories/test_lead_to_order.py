"""Random histories of lead to order on the real layers, each against a full rebuild in a fresh warehouse."""

import pytest

from tests.integration.histories.seeds import CASES, CHANGED, is_whole_draw, seeds

PROCESS = "lead_to_order"


@pytest.mark.slow
@pytest.mark.parametrize("seed", seeds())
def test_any_history_publishes_what_a_full_rebuild_does(player_of, seed):
    player_of(PROCESS).check(seed)


@pytest.mark.slow
@pytest.mark.skipif(not is_whole_draw(), reason="SLUICE_HISTORY_SEEDS names some seeds alone")
def test_there_were_enough_case_histories(player_of):
    player = player_of(PROCESS)
    print(f"{player.cases} case histories, {player.changed} of them of two states or more")
    assert player.cases >= CASES and player.changed >= CHANGED
