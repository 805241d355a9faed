"""Copy and land find the code of a system by itself."""

import pytest

from extractors import pipeline
from sluice.errors import BadInput, Blocked


def test_an_unknown_system_is_named_with_those_that_there_are(shop):
    with pytest.raises(BadInput, match=r"nothing: there is no such source system: expected one of .*odoo"):
        pipeline.copy(shop.settings, "nothing", shop.context())


def test_a_folder_with_tables_is_a_postgres_source(shop):
    shop.settings.source_urls["odoo"] = shop.source_url
    with pytest.raises(Blocked, match=r"odoo: table public\.purchase_order is missing in the source"):
        pipeline.copy(shop.settings, "odoo", shop.context())
