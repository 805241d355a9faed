"""What several tests of the pipeline share."""

from dataclasses import replace

import pytest

from sluice.settings import Settings
from tests.sluice.leads import put_leads


@pytest.fixture
def ready(settings: Settings, server: Settings) -> Settings:
    """Settings of a warehouse with a few leads in raw; dbt's folder is shared by the session."""
    put_leads(settings.warehouse_url)
    return replace(settings, home=server.home / "dbt-tests")
