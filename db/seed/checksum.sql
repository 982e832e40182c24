-- One digest of the whole table, in id order; it goes into every result.
SELECT md5(string_agg(md5(u::text), '' ORDER BY id)) FROM users AS u
