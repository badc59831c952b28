-- SPDX-License-Identifier: MIT
-- The leaks of many hosts, for DuckDB: where there are the most hosts that have a leak comes first.
-- Each host wrote its findings with: lsatrace export --to=ndjson -o fleet/HOST.ndjson TRACE...
-- A trace that was read on another machine has no name of its host, but the id of its boot.
select fingerprint,
       any_value(kind) as kind,
       any_value(package) as package,
       any_value(function) as function,
       count(distinct coalesce(host::varchar, boot_id::varchar)) as hosts,
       sum(count)::bigint as occurrences,
       sum(bytes)::bigint as bytes,
       min(start_time) as first_start,
       max(start_time) as last_start,
       list(distinct module_build_id) as builds,
       bool_and(exact) as is_exact
from read_json('fleet/*.ndjson', format = 'newline_delimited')
where kind like '%leak'
group by fingerprint
order by hosts desc, bytes desc, fingerprint;
