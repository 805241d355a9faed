select
    conformance_kpis.process,
    conformance_kpis.model_source,
    conformance_kpis.model,
    conformance_kpis.variant_count,
    conformance_kpis.aligned_variant_count,
    conformance_kpis.case_count,
    conformance_kpis.aligned_case_count,
    conformance_kpis.fitting_case_count,
    conformance_kpis.fitting_case_share,
    conformance_kpis.mean_trace_fitness,
    conformance_kpis.log_fitness,
    conformance_kpis.model_precision,
    conformance_kpis.total_cost,
    conformance_kpis.shortest_path_cost
from {{ source('mining', 'conformance_kpis') }} as conformance_kpis
