SELECT id, email, full_name, age, country_code, is_active, created_at FROM users ORDER BY id LIMIT $1 OFFSET $2
