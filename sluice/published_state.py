"""What the warehouse knows of a published process as a whole."""

import psycopg

from expectations.build import Build
from expectations.declaration import GateDeclaration


def set_state(db: psycopg.Connection, d: GateDeclaration, build: Build, run_id: str) -> None:
    """Note that this build is what readers see of the process, and what the next one begins from."""
    db.execute(
        """insert into event_log.processes (process, title, kind, order_declared, is_case_level_public, k_anonymity,
                as_of, run_id, loaded_at)
           values (%s, %s, %s, %s, %s, %s, %s, %s, now())
           on conflict (process) do update set (title, kind, order_declared, is_case_level_public, k_anonymity, as_of,
               run_id, loaded_at) = (excluded.title, excluded.kind, excluded.order_declared,
               excluded.is_case_level_public, excluded.k_anonymity, excluded.as_of, excluded.run_id,
               excluded.loaded_at)""",
        (
            d.name,
            d.title,
            "imported" if d.is_imported else "declared",
            ", ".join(d.order),
            d.is_case_level_public,
            d.k_anonymity,
            build.as_of,
            run_id,
        ),
    )
    db.execute(
        """insert into ops.process_state (process, gated_version, fingerprint, as_of, run_id, published_at)
           values (%s, %s, %s, %s, %s, clock_timestamp())
           on conflict (process) do update set (gated_version, fingerprint, as_of, run_id, published_at) =
               (excluded.gated_version, excluded.fingerprint, excluded.as_of, excluded.run_id,
                   excluded.published_at)""",
        (d.name, build.upto_version, build.fingerprint, build.as_of, run_id),
    )
