"""The printed grants are enough for a copy, and let the role read nothing personal but the logins."""

import doctest

from extractors import grants as module
from extractors.grants import grants
from extractors.specs import load_spec


def test_the_example_in_the_documentation_runs():
    assert doctest.testmod(module).failed == 0


def test_no_personal_column_is_granted_but_the_login():
    spec = load_spec("odoo")
    for line in grants(spec, "reader"):
        listed, table = line.split(") on ")[0].split("(")[1], line.split('"public"."')[1].split('"')[0]
        granted = {name.strip(' "') for name in listed.split(",")}
        assert granted & set(spec.tables[table].personal) == ({"login"} if table == "res_users" else set())


def test_the_grants_are_enough(shop):
    shop.source("drop role if exists shop_granted")
    shop.source("create role shop_granted login password 'granted'")
    try:
        for line in grants(shop.spec, "shop_granted"):
            shop.source(line)
        shop.source("grant select (kind) on changes to shop_granted")  # named by an expression alone
        shop.settings.source_urls["shop"] = shop.source_url.replace("sluice:", "shop_granted:", 1).replace(
            shop.source_url.split(":")[2].split("@")[0], "granted", 1
        )
        shop.run()
        shop.assert_equal_to_source()
    finally:
        shop.source("drop owned by shop_granted; drop role shop_granted")
