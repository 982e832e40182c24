//! What the service talks about: users, a page of them, and the questions one can ask.

use serde::Serialize;
use time::OffsetDateTime;
use uuid::Uuid;

/// One user. The order of the fields is the order of the keys in the answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct User {
    /// Printed in lower case with hyphens.
    pub id: Uuid,
    /// Unique e-mail address.
    pub email: String,
    /// Any letters of any script.
    pub full_name: String,
    /// Whole years.
    pub age: i32,
    /// ISO 3166-1 alpha-2.
    pub country_code: String,
    /// Whether the account is in use.
    pub is_active: bool,
    /// UTC, whole seconds (the table has a check for it), so RFC 3339 prints no fraction.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
}

/// Which part of the list is wanted. The database counts in signed 64-bit numbers, so this does too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// Most users in the answer.
    pub limit: i64,
    /// Users to skip, in the order of their ids.
    pub offset: i64,
}

/// A part of the list of users.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UserPage {
    /// The users, ordered by id.
    pub items: Vec<User>,
    /// The limit that was applied.
    pub limit: i64,
    /// The offset that was applied.
    pub offset: i64,
    /// Exact number of users in the table.
    pub total: i64,
}
