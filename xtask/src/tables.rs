//! Tables of figures in Markdown documents.
//!
//! A row is a line `figure NAME | cell | cell |` in the output of a suite. The table of that name is enclosed by the
//! comments `<!-- figures: NAME -->` and `<!-- /figures: NAME -->`; its two heading lines are kept.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Subcommand;

/// A use of the rows on standard input.
#[derive(Debug, Subcommand)]
pub(crate) enum Task {
    /// Replaces the rows of each table that occurs in the input
    Write {
        /// A Markdown document; a relative path begins at the root of the repository
        document: PathBuf,
    },
    /// Prints the sum of a column over the rows of the input
    Sum {
        /// The name of the table
        table: String,
        /// The column, counted from 0
        column: usize,
    },
}

pub(crate) fn run(task: &Task) -> Result<()> {
    let mut input = Vec::new();
    io::stdin().read_to_end(&mut input)?;
    let input = String::from_utf8_lossy(&input);
    match task {
        Task::Write { document } => write(document, &input)?,
        Task::Sum { table, column } => println!("{}", Tables::read(&input).sum(table, *column)),
    }
    Ok(())
}

/// Replaces the rows of a document's tables by those in the output of the suites.
pub(crate) fn write(document: &Path, output: &str) -> Result<()> {
    let name = || document.display().to_string();
    let text = fs::read_to_string(document).with_context(name)?;
    let text = Tables::read(output).insert_into(text).with_context(name)?;
    fs::write(document, text).with_context(name)
}

/// Returns the cells of each row of a document's table.
pub(crate) fn rows(document: &str, name: &str) -> Result<Vec<Vec<String>>> {
    let lines = Place::of(document, name)?.table.lines().skip(HEADINGS);
    let cells = |line: &str| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect();
    Ok(lines.map(cells).collect())
}

/// The number of heading lines of a table.
const HEADINGS: usize = 2;

/// A table, and the document around it.
struct Place<'a> {
    before: &'a str,
    table: &'a str,
    after: &'a str,
}

impl<'a> Place<'a> {
    fn of(document: &'a str, name: &str) -> Result<Self> {
        let (begin, end) = (format!("<!-- figures: {name} -->\n"), format!("<!-- /figures: {name} -->"));
        let at = document.find(&begin).with_context(|| format!("has no table {name}"))? + begin.len();
        let (before, rest) = document.split_at(at);
        let to = rest.find(&end).with_context(|| format!("has no end of the table {name}"))?;
        let (table, after) = rest.split_at(to);
        Ok(Self { before, table, after })
    }
}

/// The cells of each table's rows, in the order in which they were printed.
#[derive(Debug)]
pub(crate) struct Tables(BTreeMap<String, Vec<Vec<String>>>);

impl Tables {
    /// Finds the rows in the output of the suites.
    pub(crate) fn read(output: &str) -> Self {
        let mut tables = BTreeMap::<String, Vec<Vec<String>>>::new();
        for (name, cells) in output.lines().filter_map(row) {
            let cells = cells.split('|').map(|cell| cell.trim().to_owned()).collect();
            tables.entry(name.to_owned()).or_default().push(cells);
        }
        Self(tables)
    }

    /// The sum of a column, counted from 0. Cells that are no numbers count nothing.
    pub(crate) fn sum(&self, table: &str, column: usize) -> u64 {
        let rows = self.0.get(table).into_iter().flatten();
        rows.filter_map(|cells| number(cells.get(column)?)).sum()
    }

    /// The document with the rows of each of these tables replaced.
    fn insert_into(&self, mut document: String) -> Result<String> {
        for (name, rows) in &self.0 {
            let Place { before, table, after } = Place::of(&document, name)?;
            let headings = table.lines().take(HEADINGS).map(str::to_owned);
            let rows = rows.iter().map(|cells| {
                format!("| {} |", cells.iter().map(|cell| grouped(cell)).collect::<Vec<_>>().join(" | "))
            });
            let lines = headings.chain(rows).collect::<Vec<_>>().join("\n");
            document = format!("{before}{lines}\n{after}");
        }
        Ok(document)
    }
}

/// The name and the cells of a row. The output of another test may precede a row on its line.
fn row(line: &str) -> Option<(&str, &str)> {
    line.match_indices("figure ").find_map(|(at, before)| {
        let (name, rest) = line[at + before.len()..].split_once(" |")?;
        let is_name = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_');
        is_name.then_some((name, rest.strip_suffix('|')?))
    })
}

/// The value of a cell that has digits only.
fn number(cell: &str) -> Option<u64> {
    cell.bytes().all(|b| b.is_ascii_digit()).then(|| cell.parse().ok())?
}

/// The cell with its digits in groups of three, if it is a number.
fn grouped(cell: &str) -> String {
    let Some(number) = number(cell) else { return cell.to_owned() };
    let digits = number.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = "\
# Figures

<!-- figures: kills -->
| what | kills |
|---|---|
| old | 1 |
| older | 2 |
<!-- /figures: kills -->

<!-- figures: power -->
| cuts |
|---|
| 3 |
<!-- /figures: power -->
";

    #[test]
    fn rows_are_found_after_other_output_and_other_lines_are_skipped() {
        let tables = Tables::read(
            "test a ... figure kills | server | 26 |\nfigure kills | PostgreSQL | x |  \nfigure | 1 |\n\
             a figure of speech\nfigure no name | 1 |\nfigure kills | both | 14 |\n",
        );
        let rows = [["server", "26"], ["both", "14"]].map(|row| row.map(str::to_owned).to_vec()).to_vec();
        assert_eq!(tables.0, BTreeMap::from([("kills".to_owned(), rows)]));
    }

    #[test]
    fn a_table_is_replaced_except_its_headings_and_numbers_are_grouped() {
        let output = "figure kills | server | 1234567 |\nfigure kills | 12.5 s | 999 |\n";
        let written = Tables::read(output).insert_into(DOCUMENT.to_owned()).unwrap();
        let rows = "| old | 1 |\n| older | 2 |\n";
        assert_eq!(written, DOCUMENT.replace(rows, "| server | 1,234,567 |\n| 12.5 s | 999 |\n"));
    }

    #[test]
    fn the_rows_of_a_table_are_read() {
        let rows_of = |name| rows(DOCUMENT, name).unwrap();
        assert_eq!(rows_of("kills"), [["old", "1"], ["older", "2"]]);
        assert_eq!(rows_of("power"), [["3"]]);
        assert_eq!(rows(DOCUMENT, "worlds").unwrap_err().to_string(), "has no table worlds");
    }

    #[test]
    fn a_table_without_rows_in_the_document_gets_its_first_ones() {
        let empty = DOCUMENT.replace("| 3 |\n", "");
        let written = Tables::read("figure power | 3 |").insert_into(empty).unwrap();
        assert_eq!(written, DOCUMENT);
    }

    #[test]
    fn a_row_of_a_table_that_the_document_lacks_is_an_error() {
        for (output, expected) in [
            ("figure worlds | 1 |", "has no table worlds"),
            ("figure open | 1 |", "has no end of the table open"),
        ] {
            let document = format!("{DOCUMENT}<!-- figures: open -->\n");
            let error = Tables::read(output).insert_into(document).unwrap_err();
            assert_eq!(error.to_string(), expected);
        }
    }

    #[test]
    fn a_sum_counts_the_cells_that_are_numbers() {
        let tables = Tables::read(
            "figure kills | a | 26 |\nfigure kills | b | none |\nfigure kills | c |\nfigure kills | d | 4 |",
        );
        assert_eq!((tables.sum("kills", 1), tables.sum("kills", 0), tables.sum("power", 1)), (30, 0, 0));
    }
}
