//! What the terminal can show.

use std::io::IsTerminal as _;

/// Width to lay out for, and whether colour may be used.
#[derive(Debug, Clone, Copy)]
pub struct Style {
    /// Columns.
    pub width: u16,
    /// ANSI colour.
    pub colour: bool,
}

impl Style {
    /// Plain text of 100 columns.
    pub fn plain() -> Self {
        Self {
            width: 100,
            colour: false,
        }
    }

    /// For standard output: `COLUMNS`, else the terminal's width; colour on a terminal unless `NO_COLOR` is set.
    pub fn of_stdout() -> Self {
        let terminal = std::io::stdout().is_terminal();
        let colour = terminal && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
        let columns = std::env::var("COLUMNS").ok().and_then(|c| c.parse().ok());
        let width = columns
            .or_else(|| terminal_size::terminal_size().map(|(width, _)| width.0))
            .unwrap_or(Self::plain().width);
        Self {
            width: width.clamp(40, 200),
            colour,
        }
    }

    /// In a colour.
    pub(crate) fn paint(self, code: &str, text: &str) -> String {
        if self.colour {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }

    /// Bold.
    pub(crate) fn heading(self, text: &str) -> String {
        self.paint("1", text)
    }
}
