select
    ping_pongs.process,
    ping_pongs.activity,
    ping_pongs.other_activity,
    ping_pongs.ping_pong_count,
    ping_pongs.case_count
from {{ source('mining', 'ping_pongs') }} as ping_pongs
