select
    organisation_kpis.process,
    organisation_kpis.person_count,
    organisation_kpis.person_event_count,
    organisation_kpis.person_event_share,
    organisation_kpis.known_edge_count,
    organisation_kpis.handover_count,
    organisation_kpis.handover_share,
    organisation_kpis.subcontract_count,
    organisation_kpis.pair_count,
    organisation_kpis.pair_share,
    organisation_kpis.mean_partner_count,
    organisation_kpis.mean_persons_per_case
from {{ source('mining', 'organisation_kpis') }} as organisation_kpis
