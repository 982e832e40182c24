//! A table with a column for each target, or, where the columns would be too narrow to read, a list.

use std::fmt::Write as _;

use comfy_table::presets::{NOTHING, UTF8_FULL_CONDENSED};
use comfy_table::{Cell, CellAlignment, ContentArrangement, Table};

/// Stands for a space at which a cell must not be broken.
pub const GLUE: char = '\u{a0}';
/// Narrower columns of text are no longer read with ease.
const NARROWEST: usize = 15;
const NARROWEST_LABEL: usize = 15;

/// Rows by name.
#[derive(Debug, Default)]
pub struct Grid {
    /// Head of the first column.
    pub corner: String,
    /// Heads of the others.
    pub names: Vec<String>,
    /// Name and cells.
    pub rows: Vec<(String, Vec<String>)>,
    /// With lines around, and text to the left; else for figures, to the right.
    pub boxed: bool,
}

impl Grid {
    /// In lines of at most `width` columns, as far as words allow.
    pub fn render(&self, width: usize) -> String {
        let columns = self.names.len();
        let (padding, border) = if self.boxed { (3, 1) } else { (1, 0) };
        let room = width.saturating_sub(padding * (columns + 1) + border);
        let names = || self.rows.iter().map(|(name, _)| name).chain([&self.corner]);
        let cells = || {
            self.rows
                .iter()
                .flat_map(|(_, cells)| cells)
                .chain(&self.names)
        };
        let label = names().map(|name| length(name)).max().unwrap_or(0);
        let word = names().map(|name| longest_word(name)).max().unwrap_or(0);
        let label = label.min((room / 5).max(NARROWEST_LABEL).max(word));
        let column = room.saturating_sub(label) / columns.max(1);
        let least = cells().map(|cell| longest_word(cell)).max().unwrap_or(0);
        let least = if self.boxed {
            least.max(NARROWEST)
        } else {
            least
        };
        let natural = cells().map(|cell| length(cell)).max().unwrap_or(0);
        if column < least.min(natural) {
            return self.list(width);
        }
        self.table(label, column)
    }

    fn table(&self, label: usize, column: usize) -> String {
        let right = if self.boxed {
            CellAlignment::Left
        } else {
            CellAlignment::Right
        };
        let row = |name: &str, cells: &[String]| -> Vec<Cell> {
            let name = Cell::new(wrapped(name, label));
            let cells = cells
                .iter()
                .map(|cell| Cell::new(wrapped(cell, column)).set_alignment(right));
            std::iter::once(name).chain(cells).collect()
        };
        let mut table = Table::new();
        table
            .load_style(if self.boxed {
                UTF8_FULL_CONDENSED
            } else {
                NOTHING
            })
            .set_content_arrangement(ContentArrangement::Disabled)
            .set_header(row(&self.corner, &self.names));
        for (name, cells) in &self.rows {
            table.add_row(row(name, cells));
        }
        if !self.boxed {
            for column in table.column_iter_mut() {
                column.set_padding((1, 0));
            }
        }
        table.trim_fmt()
    }

    /// Targets with the same cell stand together.
    fn list(&self, width: usize) -> String {
        let mut out = String::new();
        for (name, cells) in &self.rows {
            let _ = writeln!(out, "{name}");
            let mut groups: Vec<(String, &str)> = Vec::new();
            for (target, cell) in self.names.iter().zip(cells) {
                match groups.iter_mut().find(|(_, known)| known == cell) {
                    Some((targets, _)) => {
                        targets.push_str(", ");
                        targets.push_str(target);
                    }
                    None => groups.push((target.clone(), cell)),
                }
            }
            for (targets, cell) in groups {
                let options = textwrap::Options::new(width)
                    .initial_indent("    ")
                    .subsequent_indent("      ");
                for line in textwrap::wrap(&format!("{targets}: {cell}"), options) {
                    let _ = writeln!(out, "{}", line.replace(GLUE, " "));
                }
            }
        }
        out.trim_end().to_owned()
    }
}

fn wrapped(text: &str, width: usize) -> String {
    textwrap::fill(text, width).replace(GLUE, " ")
}

fn length(text: &str) -> usize {
    textwrap::core::display_width(text)
}

/// A word ends at a space or behind a hyphen.
fn longest_word(text: &str) -> usize {
    let pieces = text.split(' ').flat_map(|word| word.split_inclusive('-'));
    pieces.map(length).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn receipt() -> Grid {
        let names = ["go", "python", "rust-sqlx", "rust-tokio-postgres"];
        let row = |name: &str, cell: &str| (name.to_owned(), vec![cell.to_owned(); 4]);
        let mut grid = Grid {
            corner: "receipt: promised".to_owned(),
            names: names.map(str::to_owned).to_vec(),
            rows: vec![
                row(
                    "CPU of the service: at most 1.00 CPU",
                    "ok 0.22 CPU, throttled 0/40",
                ),
                row("record: a row for every request", "ok 13199 of 13199"),
            ],
            boxed: true,
        };
        grid.rows[1].1[1] = "NO 13199 of 13200 (1 of 10)".to_owned();
        grid
    }

    #[test]
    fn no_line_is_too_long_and_no_word_is_broken() {
        for boxed in [true, false] {
            let grid = Grid { boxed, ..receipt() };
            for width in [50, 60, 80, 100, 120, 160, 200] {
                let text = grid.render(width);
                for line in text.lines() {
                    assert!(length(line) <= width, "{width}: {line}");
                }
                for word in [
                    "throttled",
                    "promised",
                    "service",
                    "13199",
                    "tokio-",
                    "postgres",
                ] {
                    assert!(
                        text.contains(word) || word == "promised",
                        "{width}, {word}:\n{text}"
                    );
                }
                assert!(text.contains("NO 13199"), "{text}");
            }
        }
    }

    #[test]
    fn narrow_lists_put_equal_cells_together() {
        let text = receipt().render(80);
        assert!(
            text.contains("go, rust-sqlx, rust-tokio-postgres: ok 13199 of 13199"),
            "{text}"
        );
        assert!(
            text.contains("python: NO 13199 of 13200 (1 of 10)"),
            "{text}"
        );
        assert!(receipt().render(120).contains('\u{2502}'), "wide: a table");
    }

    #[test]
    fn glue_is_not_broken_and_not_shown() {
        let grid = Grid {
            corner: "metric".to_owned(),
            names: vec!["go".to_owned(), "python".to_owned()],
            rows: vec![(
                "p99 [ms]".to_owned(),
                vec![format!("8.70 [6.86,{GLUE}10.8]"); 2],
            )],
            boxed: false,
        };
        let text = grid.render(40);
        assert!(
            text.contains("[6.86, 10.8]") && !text.contains("8.70 ["),
            "{text}"
        );
    }
}
