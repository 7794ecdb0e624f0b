//! What a suite has measured, in the form in which `scripts/figures` finds it and puts it into `docs/testing.md`.

use std::fmt::{Display, Write};

/// Prints a row of the table of this name.
#[expect(clippy::print_stdout, reason = "the output of a test is where the script looks for it")]
pub fn figure(table: &str, cells: &[&dyn Display]) {
    let mut row = String::new();
    for cell in cells {
        // Nothing is lost: a String takes everything.
        let _ = write!(row, " {cell} |");
    }
    println!("figure {table} |{row}");
}
