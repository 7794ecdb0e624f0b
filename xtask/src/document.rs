//! Measured parts of Markdown documents, between the comments `<!-- bench: NAME -->` and `<!-- /bench: NAME -->`.

use std::fs;

use anyhow::{Context as _, Result};

use crate::process::root;

/// The document of the measurements.
pub(crate) const BENCHMARKS: &str = "docs/benchmarks.md";

/// Returns the text of a measured part.
pub(crate) fn read(path: &str, name: &str) -> Result<String> {
    let document = fs::read_to_string(root().join(path)).context(path.to_owned())?;
    let (start, end) = place(&document, name).with_context(|| format!("{path} has no part {name}"))?;
    Ok(document[start..end].trim().to_owned())
}

/// Replaces the text of a measured part.
pub(crate) fn write(path: &str, name: &str, text: &str) -> Result<()> {
    let file = root().join(path);
    let mut document = fs::read_to_string(&file).context(path.to_owned())?;
    let (start, end) = place(&document, name).with_context(|| format!("{path} has no part {name}"))?;
    document.replace_range(start..end, &format!("\n{}\n", text.trim()));
    fs::write(file, document).context(path.to_owned())
}

fn place(document: &str, name: &str) -> Option<(usize, usize)> {
    let opening = format!("<!-- bench: {name} -->");
    let start = document.find(&opening)? + opening.len();
    let end = start + document[start..].find(&format!("<!-- /bench: {name} -->"))?;
    Some((start, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_found_between_its_markers() {
        let document = "a\n<!-- bench: x -->\nfigures\n<!-- /bench: x -->\nb";
        let (start, end) = place(document, "x").unwrap();
        assert_eq!(&document[start..end], "\nfigures\n");
        assert_eq!(place(document, "y"), None);
    }
}
