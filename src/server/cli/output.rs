//! What commands print: results on the standard output, everything else on the standard error.

use crate::types::spelling::visible;
use std::io::Write;

/// A line of the result. A closed pipe is not an error of ours.
pub(super) fn line(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// An error, each line with the program's name.
pub(super) fn error(text: &str) {
    for line in text.lines() {
        let _ = writeln!(std::io::stderr(), "homing-server: {line}");
    }
}

/// A text from outside as it can be shown.
pub(super) fn shown(text: &str) -> String {
    visible(text)
}

/// Rows under a head, in columns as wide as their longest cell.
pub(super) fn table(head: &[&str], rows: &[Vec<String>]) {
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([head[column].len()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let write = |cells: &[&str]| {
        let cells: Vec<String> = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        line(cells.join("  ").trim_end());
    };
    write(head);
    rows.iter().for_each(|row| write(&row.iter().map(String::as_str).collect::<Vec<_>>()));
}

/// A JSON array of objects, on one line.
pub(super) fn json(objects: Vec<serde_json::Value>) {
    line(&serde_json::Value::Array(objects).to_string());
}
