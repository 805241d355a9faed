select
    variant_alignments.process,
    variant_alignments.variant_id,
    variant_alignments.case_count,
    variant_alignments.activity_count,
    variant_alignments.cost,
    variant_alignments.fitness,
    variant_alignments.log_move_count,
    variant_alignments.model_move_count,
    variant_alignments.is_fitting
from {{ source('mining', 'variant_alignments') }} as variant_alignments
