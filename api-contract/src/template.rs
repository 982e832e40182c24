//! Placeholders in the cases' targets, header values and bodies.

use crate::oracle::Oracle;

/// Fills in placeholders from the table:
///
/// - `{id:N}`, `{ID:N}`, `{mIxEd:N}`, `{%id:N}`: id of user N as is, in capitals, in changing case, every letter
///   percent-encoded; N is a number from 1, `last`, or `n` (the user of an `each` case)
/// - `{hex:N}`: id without hyphens
/// - `{total}`, `{total-50}`, `{total+1}`: number of users
/// - `{offset}`: the offset of an `each = "page"` case
/// - `{repeat:TEXT:K}`: TEXT, K times
///
/// Bodies are literal, or `user:N`, or `page:LIMIT:OFFSET` with placeholders.
#[derive(Debug, Clone)]
pub struct Template<'a> {
    oracle: &'a Oracle,
    number: Option<usize>,
    offset: Option<usize>,
}

/// A placeholder that cannot be filled in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// Not in the template language.
    #[error("`{{{0}}}` is no placeholder (api-contract/src/template.rs has the list)")]
    Unknown(String),
    /// `{` without `}`.
    #[error("`{0}` has a `{{` without a `}}`")]
    Unclosed(String),
    /// The table is too small.
    #[error("the case needs user {wanted}, the table has {total}")]
    NoSuchUser {
        /// The user's number or name.
        wanted: String,
        /// Rows of the table.
        total: usize,
    },
}

impl<'a> Template<'a> {
    /// For a case that is sent once.
    pub fn new(oracle: &'a Oracle) -> Self {
        Self {
            oracle,
            number: None,
            offset: None,
        }
    }

    /// With `n`, the current user's number.
    #[must_use]
    pub fn with_number(mut self, number: usize) -> Self {
        self.number = Some(number);
        self
    }

    /// With `offset`, the current page's.
    #[must_use]
    pub fn with_offset(mut self, offset: usize) -> Self {
        self.offset = Some(offset);
        self
    }

    /// Replaces every placeholder in `text`.
    ///
    /// # Errors
    /// When one cannot be filled in.
    pub fn expand(&self, text: &str) -> Result<String, TemplateError> {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            out.push_str(before);
            let (inside, behind) = after
                .split_once('}')
                .ok_or_else(|| TemplateError::Unclosed(text.to_owned()))?;
            out.push_str(&self.placeholder(inside)?);
            rest = behind;
        }
        out.push_str(rest);
        Ok(out)
    }

    /// The bytes of an expected body.
    ///
    /// # Errors
    /// As [`Template::expand`].
    pub fn body(&self, text: &str) -> Result<String, TemplateError> {
        if let Some(number) = text.strip_prefix("user:") {
            let (number, _) = self.user(number)?;
            return Ok(self.oracle.user_body(number).unwrap_or_default());
        }
        if let Some(page) = text.strip_prefix("page:") {
            let page = self.expand(page)?;
            let unknown = || TemplateError::Unknown(text.to_owned());
            let (limit, offset) = page.split_once(':').ok_or_else(unknown)?;
            let limit = limit.parse().map_err(|_| unknown())?;
            let offset = offset.parse().map_err(|_| unknown())?;
            return Ok(self.oracle.page_body(limit, offset));
        }
        Ok(text.to_owned())
    }

    fn placeholder(&self, inside: &str) -> Result<String, TemplateError> {
        let unknown = || TemplateError::Unknown(inside.to_owned());
        if inside == "offset" {
            return Ok(self.offset.ok_or_else(unknown)?.to_string());
        }
        if let Some(change) = inside.strip_prefix("total") {
            let total = i64::try_from(self.oracle.total()).unwrap_or(i64::MAX);
            let change: i64 = match change {
                "" => 0,
                text => text.parse().map_err(|_| unknown())?,
            };
            return Ok((total + change).max(0).to_string());
        }
        let (kind, argument) = inside.split_once(':').ok_or_else(unknown)?;
        if kind == "repeat" {
            let (text, times) = argument.rsplit_once(':').ok_or_else(unknown)?;
            return Ok(text.repeat(times.parse().map_err(|_| unknown())?));
        }
        let (_, id) = self.user(argument)?;
        match kind {
            "id" => Ok(id.to_owned()),
            "ID" => Ok(id.to_ascii_uppercase()),
            "hex" => Ok(id.replace('-', "")),
            "%id" => Ok(id.bytes().map(|byte| format!("%{byte:02X}")).collect()),
            "mIxEd" => Ok(id
                .chars()
                .enumerate()
                .map(|(place, letter)| {
                    if place % 2 == 0 {
                        letter.to_ascii_uppercase()
                    } else {
                        letter
                    }
                })
                .collect()),
            _ => Err(unknown()),
        }
    }

    fn user(&self, number: &str) -> Result<(usize, &'a str), TemplateError> {
        let missing = || TemplateError::NoSuchUser {
            wanted: number.to_owned(),
            total: self.oracle.total(),
        };
        let number = match number {
            "n" => self.number.ok_or_else(missing)?,
            "last" => self.oracle.total(),
            text => text.parse().map_err(|_| missing())?,
        };
        let user = self.oracle.user(number).ok_or_else(missing)?;
        Ok((number, &user.id))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::oracle::User;

    fn oracle() -> Oracle {
        Oracle::from_users(
            ["ab-cd", "ef-01"]
                .iter()
                .map(|id| User {
                    id: (*id).to_owned(),
                    email: String::new(),
                    full_name: String::new(),
                    age: 20,
                    country_code: "DE".to_owned(),
                    is_active: false,
                    created_at: String::new(),
                })
                .collect(),
        )
    }

    #[test]
    fn placeholders_are_filled_in() {
        let oracle = oracle();
        let template = Template::new(&oracle).with_number(2).with_offset(200);
        for (text, expected) in [
            ("/users", "/users"),
            ("/users/{id:1}/", "/users/ab-cd/"),
            (
                "{ID:last}{hex:n}{mIxEd:1}{%id:1}",
                "EF-01ef01Ab-cD%61%62%2D%63%64",
            ),
            ("{total} {total+1} {total-50} {offset}", "2 3 0 200"),
            ("{repeat:0:3}{repeat:a:b:2}", "000a:ba:b"),
        ] {
            assert_eq!(template.expand(text).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn mistakes_are_named() {
        let oracle = oracle();
        let template = Template::new(&oracle);
        for text in ["{nonsense}", "{id}", "{total*2}", "{offset}", "{x:1}"] {
            assert!(
                matches!(template.expand(text), Err(TemplateError::Unknown(_))),
                "{text}"
            );
        }
        assert!(matches!(
            template.expand("{id:3}"),
            Err(TemplateError::NoSuchUser { total: 2, .. })
        ));
        assert!(matches!(
            template.expand("{id:n}"),
            Err(TemplateError::NoSuchUser { .. })
        ));
        assert!(matches!(
            template.expand("/users/{"),
            Err(TemplateError::Unclosed(_))
        ));
    }

    #[test]
    fn bodies_are_literal_or_from_the_table() {
        let oracle = oracle();
        let template = Template::new(&oracle);
        assert_eq!(
            template.body(r#"{"error":"not_found"}"#).unwrap(),
            r#"{"error":"not_found"}"#
        );
        assert_eq!(
            template.body("user:2").unwrap(),
            oracle.user_body(2).unwrap()
        );
        assert_eq!(
            template.body("page:5:{total-1}").unwrap(),
            oracle.page_body(5, 1)
        );
    }
}
