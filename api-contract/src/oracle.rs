//! What the right answers are, computed from the rows in the database and from nothing a service said.

use std::collections::BTreeMap;

use postgres::{Client, NoTls};
use serde::{Deserialize, Serialize};

/// Page size of `GET /users` without `limit`; the load pages by it too.
pub const DEFAULT_LIMIT: u64 = 50;

/// One row of `users` as the contract writes it: these fields, in this order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// UUID, lower case, with hyphens.
    pub id: String,
    /// E-mail address.
    pub email: String,
    /// Full name, any script.
    pub full_name: String,
    /// Years.
    pub age: i32,
    /// Two capital letters.
    pub country_code: String,
    /// Account state.
    pub is_active: bool,
    /// RFC 3339, UTC, whole seconds, `Z`.
    pub created_at: String,
}

#[derive(Serialize)]
struct Page<'a> {
    items: &'a [&'a User],
    limit: u64,
    offset: u64,
    total: usize,
}

/// Why the right answers cannot be known.
#[derive(Debug, thiserror::Error)]
pub enum OracleError {
    /// The owner's connection failed.
    #[error("cannot read the users as the database's owner: {0}")]
    Database(#[from] postgres::Error),
    /// The table is not the seeded one.
    #[error(
        "the table `users` has {rows} rows, but {seeded} of the ids md5('user-1').. to md5('user-{rows}'); \
         seed an empty table with db/seed/users.sql"
    )]
    NotSeeded {
        /// Rows in the table.
        rows: usize,
        /// Rows with an expected id.
        seeded: usize,
    },
}

/// The rows of the table, in both orders that the contract knows.
#[derive(Debug, Clone)]
pub struct Oracle {
    /// Row `i` of the seed at `i - 1`.
    by_number: Vec<User>,
    /// Indices into `by_number`, ordered by id.
    by_id: Vec<usize>,
}

/// Body lengths of every request of the load, for a script that checks answers without holding them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExpectedLengths {
    /// `GET /users/{id}` of user `i`, at `i - 1`.
    pub users: Lengths,
    /// `GET /users?limit=<limit>&offset=<k * limit>`, at `k`, up to the last page that has rows.
    pub pages: Lengths,
    /// Rows of a page.
    pub limit: u64,
}

/// One length per body, in two units: k6 sees text in UTF-16 code units and binary bodies in bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lengths {
    /// UTF-8 bytes, equal to `Content-Length`.
    pub bytes: Vec<u32>,
    /// UTF-16 code units, equal to `body.length` in JavaScript.
    pub utf16: Vec<u32>,
}

impl Lengths {
    fn push(&mut self, body: &str) {
        let count = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
        self.bytes.push(count(body.len()));
        self.utf16.push(count(body.encode_utf16().count()));
    }
}

impl Oracle {
    /// Reads all users over `url` (`postgres://owner:…@host:port/database`, no TLS).
    ///
    /// # Errors
    /// When the database cannot be read, or the table isn't the one the seed makes.
    pub fn connect(url: &str) -> Result<Self, OracleError> {
        Self::read(&mut Client::connect(url, NoTls)?)
    }

    /// Reads all users over an open connection of the owner.
    ///
    /// # Errors
    /// As [`Oracle::connect`].
    pub fn read(client: &mut Client) -> Result<Self, OracleError> {
        let rows: i64 = client.query_one("SELECT count(*) FROM users", &[])?.get(0);
        let users: Vec<User> = client
            .query(
                "SELECT u.id::text, u.email, u.full_name, u.age, u.country_code, u.is_active, \
                        to_char(u.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') \
                 FROM generate_series(1, $1::bigint) AS i \
                 JOIN users AS u ON u.id = md5('user-' || i)::uuid ORDER BY i",
                &[&rows],
            )?
            .iter()
            .map(|row| User {
                id: row.get(0),
                email: row.get(1),
                full_name: row.get(2),
                age: row.get(3),
                country_code: row.get(4),
                is_active: row.get(5),
                created_at: row.get(6),
            })
            .collect();
        let rows = usize::try_from(rows).unwrap_or(usize::MAX);
        if users.len() != rows || rows == 0 {
            return Err(OracleError::NotSeeded {
                rows,
                seeded: users.len(),
            });
        }
        Ok(Self::from_users(users))
    }

    /// From rows at hand: user `i` at `i - 1`.
    pub fn from_users(by_number: Vec<User>) -> Self {
        let mut by_id: Vec<usize> = (0..by_number.len()).collect();
        // Lower-case hex with hyphens at fixed places: the text sorts as the UUID does.
        by_id.sort_by(|left, right| by_number[*left].id.cmp(&by_number[*right].id));
        Self { by_number, by_id }
    }

    /// Number of users.
    pub fn total(&self) -> usize {
        self.by_number.len()
    }

    /// User `number`, counted from 1.
    pub fn user(&self, number: usize) -> Option<&User> {
        self.by_number.get(number.checked_sub(1)?)
    }

    /// Body of `GET /users/{id}` for user `number`, counted from 1.
    pub fn user_body(&self, number: usize) -> Option<String> {
        self.user(number).map(to_json)
    }

    /// Body of `GET /users?limit=…&offset=…`.
    pub fn page_body(&self, limit: u64, offset: u64) -> String {
        let start = usize::try_from(offset)
            .unwrap_or(usize::MAX)
            .min(self.total());
        let length = usize::try_from(limit).unwrap_or(usize::MAX);
        let end = start.saturating_add(length).min(self.total());
        let items: Vec<&User> = self.by_id[start..end]
            .iter()
            .map(|index| &self.by_number[*index])
            .collect();
        to_json(&Page {
            items: &items,
            limit,
            offset,
            total: self.total(),
        })
    }

    /// The first user with each full name, in the order of the names: every awkward letter of the seed once.
    pub fn one_of_each_name(&self) -> Vec<usize> {
        let mut first = BTreeMap::new();
        for (index, user) in self.by_number.iter().enumerate() {
            first.entry(user.full_name.as_str()).or_insert(index + 1);
        }
        first.into_values().collect()
    }

    /// Body lengths of all users and of all pages of [`DEFAULT_LIMIT`] rows.
    pub fn expected_lengths(&self) -> ExpectedLengths {
        let mut users = Lengths::default();
        for user in &self.by_number {
            users.push(&to_json(user));
        }
        let mut pages = Lengths::default();
        let total = u64::try_from(self.total()).unwrap_or(u64::MAX);
        let mut offset = 0;
        while offset < total {
            pages.push(&self.page_body(DEFAULT_LIMIT, offset));
            offset += DEFAULT_LIMIT;
        }
        ExpectedLengths {
            users,
            pages,
            limit: DEFAULT_LIMIT,
        }
    }
}

fn to_json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("structs of text, numbers and booleans always serialise")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn user(id: &str, name: &str) -> User {
        User {
            id: id.to_owned(),
            email: "a@example.com".to_owned(),
            full_name: name.to_owned(),
            age: 18,
            country_code: "DE".to_owned(),
            is_active: true,
            created_at: "2024-01-01T00:00:00Z".to_owned(),
        }
    }

    #[test]
    fn a_user_has_the_contracts_keys_and_escapes() {
        let oracle = Oracle::from_users(vec![user("b", "\"李\" \\ <&>\u{1}\u{7f}\n🦀")]);
        assert_eq!(
            oracle.user_body(1).unwrap(),
            "{\"id\":\"b\",\"email\":\"a@example.com\",\"full_name\":\"\\\"李\\\" \\\\ <&>\\u0001\u{7f}\\n🦀\",\
             \"age\":18,\"country_code\":\"DE\",\"is_active\":true,\"created_at\":\"2024-01-01T00:00:00Z\"}"
        );
        assert_eq!((oracle.user_body(0), oracle.user_body(2)), (None, None));
    }

    #[test]
    fn pages_are_ordered_by_id_and_end_with_the_table() {
        let oracle = Oracle::from_users(vec![user("b", "B"), user("a", "A"), user("c", "C")]);
        let names = |limit, offset| {
            oracle
                .page_body(limit, offset)
                .split("\"full_name\":\"")
                .skip(1)
                .map(|rest| rest[..1].to_owned())
                .collect::<String>()
        };
        assert_eq!(names(2, 0), "AB");
        assert_eq!(names(2, 2), "C");
        assert_eq!(
            oracle.page_body(50, u64::MAX),
            r#"{"items":[],"limit":50,"offset":18446744073709551615,"total":3}"#
        );
    }

    #[test]
    fn lengths_count_bytes_and_utf16_units() {
        let oracle = Oracle::from_users(vec![user("a", "x"), user("b", "🦀")]);
        let lengths = oracle.expected_lengths();
        assert_eq!(lengths.users.bytes[1], lengths.users.bytes[0] + 3);
        assert_eq!(lengths.users.utf16[1], lengths.users.utf16[0] + 1);
        assert_eq!(lengths.pages.bytes.len(), 1);
        assert_eq!(
            usize::try_from(lengths.pages.bytes[0]).unwrap(),
            oracle.page_body(50, 0).len()
        );
    }

    #[test]
    fn every_name_is_taken_once() {
        let oracle = Oracle::from_users(vec![user("a", "x"), user("b", "y"), user("c", "x")]);
        assert_eq!(oracle.one_of_each_name(), [1, 2]);
    }
}
