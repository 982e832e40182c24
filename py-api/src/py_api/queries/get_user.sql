SELECT id, email, full_name, age, country_code, is_active, created_at FROM users WHERE id = $1
