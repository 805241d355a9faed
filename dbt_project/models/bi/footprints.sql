select
    footprints.process,
    footprints.activity,
    footprints.next_activity,
    footprints.relation
from {{ source('mining', 'footprints') }} as footprints
