-- Deterministic seed: row i has id md5('user-' || i)::uuid, and every other column follows from i and the seed text.
-- psql variables: users (number of rows), seed (text).
-- Names carry what breaks careless encoders: quotes, backslash, <>&, accents, CJK, right-to-left and 4-byte letters.
INSERT INTO users (id, email, full_name, age, country_code, is_active, created_at)
SELECT md5('user-' || i)::uuid,
       'user' || i || '@example.com',
       (ARRAY['Ada', 'José', 'Zoë', 'O''Brien', 'Łukasz', 'Мария', '李', 'محمد', 'Anne "Nan"', 'Bob <b>&</b>', 'Søren', 'Δήμητρα', 'さくら', '🦀 Ferris', 'C:\Temp', 'Ngô'])[1 + h % 16]
           || ' ' ||
       (ARRAY['Lovelace', 'García', 'Müller', 'D''Arc', 'Nowak', 'Иванова', '王', 'الخوارزمي', '"Q" Smith', 'Tom & Sons', 'Ångström', 'Παπαδόπουλος', '山田', '𝔊auss', 'back\slash', 'Nguyễn'])[1 + (h / 16) % 16],
       18 + (h / 256) % 82,
       (ARRAY['DE', 'FR', 'GB', 'IN', 'JP', 'BR', 'US', 'ZA', 'PL', 'CN'])[1 + (h / 32768) % 10],
       (h / 524288) % 10 < 8,
       timestamptz '2024-01-01 00:00:00+00' + make_interval(secs => (h % 63072000)::double precision)
FROM (
    SELECT i, ('x' || substr(md5(:'seed' || '-' || i), 1, 7))::bit(28)::int AS h
    FROM generate_series(1, :users) AS i
) AS rows;

VACUUM (FREEZE, ANALYZE) users;
