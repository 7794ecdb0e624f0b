//! Measurements of a suite, in the form that `cargo xtask figures` reads and puts into `docs/figures.md`.

use std::fmt::{Display, Write};

/// Prints a row of the table of this name.
#[expect(clippy::print_stdout, reason = "the script reads the output of the test")]
pub fn figure(table: &str, cells: &[&dyn Display]) {
    let mut row = String::new();
    for cell in cells {
        // Writing to a String cannot fail.
        let _ = write!(row, " {cell} |");
    }
    println!("figure {table} |{row}");
}
