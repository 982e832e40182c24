//! The SQL that all services share, word for word.

/// The text of a file without white space at its end, so that every service sends the same bytes.
const fn trimmed(text: &'static str) -> &'static str {
    match str::from_utf8(text.as_bytes().trim_ascii_end()) {
        Ok(text) => text,
        Err(_) => panic!("white space is ASCII: what is left is as good UTF-8 as before"),
    }
}

/// Whether the database answers.
pub const READY: &str = trimmed(include_str!("../../../db/queries/ready.sql"));
/// One user by id.
pub const GET_USER: &str = trimmed(include_str!("../../../db/queries/get_user.sql"));
/// A page of users by limit and offset.
pub const LIST_USERS: &str = trimmed(include_str!("../../../db/queries/list_users.sql"));
/// How many users there are.
pub const COUNT_USERS: &str = trimmed(include_str!("../../../db/queries/count_users.sql"));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_statements_end_where_their_text_ends() {
        for sql in [READY, GET_USER, LIST_USERS, COUNT_USERS] {
            assert!(sql.starts_with("SELECT "), "{sql:?}");
            assert_eq!(sql, sql.trim_end());
        }
    }
}
