//! The throughput of each cell as a bar chart in SVG.

use std::fmt::Write as _;

use super::results::{Build, Cell, Results};
use super::table::title;

/// Sizes in pixels.
const BAR: usize = 18;
const GAP: usize = 8;
const LABELS: usize = 380;
const BARS: f64 = 400.0;
const WIDTH: usize = 880;

/// Returns the chart. Bars have the length of the throughput relative to the echo, on a scale of square roots, on which
/// slow cells are visible too.
pub(super) fn svg(results: &Results) -> String {
    let rows: Vec<(Cell, f64)> = results
        .cells()
        .filter_map(|cell| Some((cell, results.median(cell, Build::This)?.throughput)))
        .collect();
    let most = rows.iter().map(|(_, throughput)| *throughput).fold(1.0, f64::max);
    let height = rows.len() * (BAR + GAP) + GAP;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" \
         font-family=\"sans-serif\" font-size=\"13\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    );
    for (n, (cell, throughput)) in rows.iter().enumerate() {
        let top = GAP + n * (BAR + GAP);
        let (base, length) = (top + BAR - 5, (throughput / most).sqrt() * BARS);
        let color = if *cell == Cell::Echo { "#9aa5b1" } else { "#3b6ea5" };
        let end = LABELS as f64 + length + 6.0;
        let label = LABELS - 8;
        // Writing to a string does not fail.
        let _ = writeln!(
            svg,
            "<text x=\"{label}\" y=\"{base}\" text-anchor=\"end\">{}</text>\n\
             <rect x=\"{LABELS}\" y=\"{top}\" width=\"{length:.1}\" height=\"{BAR}\" fill=\"{color}\"/>\n\
             <text x=\"{end:.1}\" y=\"{base}\">{throughput:.0}/s</text>",
            title(*cell)
        );
    }
    svg + "</svg>\n"
}
