//! Reading `lab.toml`: syntax and types by toml and serde, then the checks of `validate`.

use std::path::Path;

use miette::NamedSource;

use super::error::nearest;
use super::{ConfigError, Lab, validate};

impl Lab {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// [`ConfigError`] with file, line, column and a hint.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = fs_err::read_to_string(path).map_err(|source| ConfigError::Read {
            path: path.display().to_string(),
            source,
        })?;
        Self::parse(&path.display().to_string(), &text)
    }

    /// Like [`Lab::load`], from memory; `path` is only for messages.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`].
    pub fn parse(path: &str, text: &str) -> Result<Self, ConfigError> {
        let place = Place { path, text };
        let lab: Self = toml::from_str(text).map_err(|e| {
            let message = e.message().trim().to_owned();
            let hint = hint_for(&message);
            place.error(e.span(), message, hint)
        })?;
        validate::check(&lab).map_err(|problem| {
            let span = place.find(&problem.at);
            place.error(span, problem.message, Some(problem.hint))
        })?;
        Ok(lab)
    }
}

struct Place<'a> {
    path: &'a str,
    text: &'a str,
}

impl Place<'_> {
    fn error(
        &self,
        span: Option<std::ops::Range<usize>>,
        message: String,
        hint: Option<String>,
    ) -> ConfigError {
        let span = span.unwrap_or(0..0);
        let before = &self.text[..span.start.min(self.text.len())];
        let line = before.matches('\n').count() + 1;
        let column = before
            .rsplit('\n')
            .next()
            .unwrap_or_default()
            .chars()
            .count()
            + 1;
        ConfigError::Invalid {
            path: self.path.to_owned(),
            line,
            column,
            message,
            source_code: NamedSource::new(self.path, self.text.to_owned()),
            span: span.into(),
            hint,
        }
    }

    /// The span of a value by its path of keys; of the nearest table that exists otherwise.
    fn find(&self, at: &[String]) -> Option<std::ops::Range<usize>> {
        let root = toml::de::DeTable::parse(self.text).ok()?;
        let mut table = root.get_ref();
        let mut span = None;
        for key in at {
            let Some((name, value)) = table.iter().find(|(k, _)| k.get_ref() == key) else {
                break;
            };
            span = Some(match value.get_ref() {
                // The span of a table runs over all its lines; its name is the better place.
                toml::de::DeValue::Table(_) => name.span(),
                _ => value.span(),
            });
            match value.get_ref() {
                toml::de::DeValue::Table(inner) => table = inner,
                _ => break,
            }
        }
        span
    }
}

/// serde's "unknown field `x`, expected one of `a`, `b`": turn it into a suggestion.
fn hint_for(message: &str) -> Option<String> {
    let mut words = message.split('`').skip(1).step_by(2);
    if message.starts_with("unknown field") || message.starts_with("unknown variant") {
        let wrong = words.next()?;
        let known: Vec<&str> = words.collect();
        return Some(match nearest(wrong, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("known here: {}", known.join(", ")),
        });
    }
    if message.starts_with("missing field") {
        return Some(format!(
            "add a line `{} = …`; the file in the repository shows every key",
            words.next()?
        ));
    }
    None
}
