//! Builds the documentation site from the documents of the repository, with mdBook.
//!
//! The pages keep their places relative to each other, so links between them stay as they are. Links to other files
//! lead to a web view of the repository, or become plain text.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::Args;
use pulldown_cmark::{Event, Parser, Tag};

use crate::process::command;
use crate::tools::Tools;

/// The folder of the site, relative to the root of the repository.
const SITE: &str = "target/site";
const SUMMARY: &str = "docs/SUMMARY.md";
/// Folders whose documents are not listed one by one in the summary: their README lists them.
const FOLDERS: [&str; 2] = ["docs/decisions", "docs/reference"];
/// The mdBook of PyPI, which is only for Linux.
const MDBOOK: &str = "target/tools/venv/bin/mdbook";
const MERMAID: &str = "target/tools/node/node_modules/@mermaid-js/tiny/dist/mermaid.tiny.js";

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The address at which files of the repository can be viewed, for links to sources, such as
    /// `https://git.example.com/wallet/blob/main`. Default: such links become plain text
    #[arg(long, value_name = "URL")]
    sources: Option<String>,
}

/// A link of a page to a heading of a page.
struct Anchor {
    from: PathBuf,
    page: PathBuf,
    heading: String,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    Tools::Site.find()?;
    let site = Path::new(SITE);
    if site.exists() {
        fs::remove_dir_all(site)?;
    }
    let summary = summary()?;
    let pages: BTreeSet<PathBuf> =
        links(&summary).into_iter().map(|link| PathBuf::from(link.target)).collect();
    let mut anchors = Vec::new();
    for page in &pages {
        let text = fs::read_to_string(page).with_context(|| page.display().to_string())?;
        let text = page_text(page, &text, &pages, options.sources.as_deref(), &mut anchors);
        write(&site.join("pages").join(page), &text)?;
    }
    write(&site.join("pages/SUMMARY.md"), &summary)?;
    for (from, to) in [
        ("docs/site/book.toml", "book.toml"),
        ("docs/site/diagrams.js", "diagrams.js"),
        (MERMAID, "mermaid.js"),
    ] {
        fs::copy(from, site.join(to)).with_context(|| from.to_owned())?;
    }
    // Warnings of mdBook are about links and HTML that it does not understand.
    let mdbook = if Path::new(MDBOOK).exists() { MDBOOK } else { "mdbook" };
    let built = command(mdbook).args(["build", SITE]).output();
    let built =
        built.context("mdbook does not run: `cargo install mdbook --version 0.5.4` puts it on the PATH")?;
    let log = String::from_utf8_lossy(&built.stderr);
    ensure!(built.status.success() && !log.contains("WARN"), "mdbook: {log}");
    let html = site.join("html");
    fs::copy("docs/openapi.json", html.join("docs/openapi.json"))?;
    fs::copy("docs/benchmarks.svg", html.join("docs/benchmarks.svg"))?;
    for anchor in &anchors {
        check(&html, anchor)?;
    }
    println!("{} pages: {}", pages.len(), html.join("index.html").display());
    Ok(())
}

/// The summary with paths from the root of the repository, and with the documents of the folders.
fn summary() -> Result<String> {
    let mut text = String::new();
    for line in fs::read_to_string(SUMMARY).context(SUMMARY)?.lines() {
        // Alone, an indented line would be code.
        let (indent, line) = line.split_at(line.len() - line.trim_start().len());
        let Some(link) = links(line).into_iter().next() else {
            text += &format!("{line}\n");
            continue;
        };
        let page = resolved(Path::new(SUMMARY), &link.target);
        text += &format!("{indent}{}]({})\n", &line[..link.text_end], page.display());
        let folder = page.parent().unwrap_or(Path::new(""));
        if FOLDERS.iter().any(|known| Path::new(known) == folder) {
            for child in documents(folder)? {
                text += &format!("    - [{}]({})\n", title(&child)?, child.display());
            }
        }
    }
    Ok(text)
}

/// The documents of a folder without its README, by name.
fn documents(folder: &Path) -> Result<BTreeSet<PathBuf>> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension() == Some(OsStr::new("md")) && path.file_name() != Some(OsStr::new("README.md")) {
            found.insert(path);
        }
    }
    Ok(found)
}

fn title(page: &Path) -> Result<String> {
    let text = fs::read_to_string(page)?;
    let heading = text.lines().find_map(|line| line.strip_prefix("# "));
    Ok(heading.with_context(|| format!("{} has no heading", page.display()))?.to_owned())
}

/// A link in a text: the end of `[text`, and the target.
struct Link {
    text_start: usize,
    text_end: usize,
    end: usize,
    target: String,
}

/// The inline links of a Markdown text, in their order.
fn links(text: &str) -> Vec<Link> {
    let parser = Parser::new_ext(text, pulldown_cmark::Options::ENABLE_TABLES).into_offset_iter();
    let links = parser.filter_map(|(event, range)| match event {
        Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
            let text_end = range.start + text[range.clone()].rfind("](")?;
            let target = dest_url.into_string();
            Some(Link { text_start: range.start, text_end, end: range.end, target })
        }
        _ => None,
    });
    links.collect()
}

/// The text of a page, in which links to files that are no pages lead to `sources` or are plain text.
fn page_text(
    page: &Path,
    text: &str,
    pages: &BTreeSet<PathBuf>,
    sources: Option<&str>,
    anchors: &mut Vec<Anchor>,
) -> String {
    let mut result = String::new();
    let mut copied = 0;
    for link in links(text) {
        if link.text_start < copied {
            // An image in the text of a link, which is copied already.
            continue;
        }
        let (path, heading) = link.target.split_once('#').unwrap_or((&link.target, ""));
        if path.contains(':') {
            continue;
        }
        let target = if path.is_empty() { page.to_owned() } else { resolved(page, path) };
        if pages.contains(&target) {
            let (from, heading) = (page.to_owned(), heading.to_owned());
            anchors.push(Anchor { from, page: target, heading });
        } else if !is_copied(&target) {
            result += &text[copied..link.text_start];
            let words = &text[link.text_start..link.text_end];
            match sources {
                Some(url) => result += &format!("{words}]({url}/{})", target.display()),
                None => result += words.trim_start_matches('!').trim_start_matches('['),
            }
            copied = link.end;
        }
    }
    result + &text[copied..]
}

/// Returns whether a file is part of the site without being a page.
fn is_copied(path: &Path) -> bool {
    [Path::new("docs/openapi.json"), Path::new("docs/benchmarks.svg")].contains(&path)
}

/// The path from the root of the repository to the target of a link.
fn resolved(page: &Path, target: &str) -> PathBuf {
    let mut path = page.parent().unwrap_or(Path::new("")).to_owned();
    for component in Path::new(target).components() {
        match component {
            Component::ParentDir => {
                path.pop();
            }
            Component::Normal(name) => path.push(name),
            _ => {}
        }
    }
    path
}

/// Checks that the target of a link exists in the site.
fn check(html: &Path, anchor: &Anchor) -> Result<()> {
    let name = if anchor.page.ends_with("README.md") {
        anchor.page.with_file_name("index.html")
    } else {
        anchor.page.with_extension("html")
    };
    let text = fs::read_to_string(html.join(&name)).with_context(|| name.display().to_string())?;
    let heading = format!("id=\"{}\"", anchor.heading);
    ensure!(
        anchor.heading.is_empty() || text.contains(&heading),
        "{}: {} has no heading {}",
        anchor.from.display(),
        name.display(),
        anchor.heading
    );
    Ok(())
}

fn write(path: &Path, text: &str) -> Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, text).with_context(|| path.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "See [the store](../src/store.rs), [keys](keys.md#pepper) and [a page](https://a.example/x).\n\n\
                        ```sh\necho '[no](link.rs)'\n```\n";

    fn shown(sources: Option<&str>) -> (String, Vec<Anchor>) {
        let pages = [PathBuf::from("docs/keys.md")].into();
        let mut anchors = Vec::new();
        let text = page_text(Path::new("docs/start.md"), PAGE, &pages, sources, &mut anchors);
        (text, anchors)
    }

    #[test]
    fn a_link_to_a_source_is_text_without_an_address() {
        let (text, anchors) = shown(None);
        assert!(
            text.starts_with("See the store, [keys](keys.md#pepper) and [a page](https://a.example/x).\n")
        );
        assert!(text.ends_with("echo '[no](link.rs)'\n```\n"));
        assert_eq!((anchors.len(), anchors[0].heading.as_str()), (1, "pepper"));
        assert_eq!(anchors[0].page, Path::new("docs/keys.md"));
    }

    #[test]
    fn an_image_in_the_text_of_a_link_stays_in_the_text() {
        let shown =
            |text| page_text(Path::new("docs/start.md"), text, &BTreeSet::new(), None, &mut Vec::new());
        assert_eq!(shown("[![logo](../logo.svg)](../src/store.rs), then"), "![logo](../logo.svg), then");
        assert_eq!(shown("![logo](../logo.svg), then"), "logo, then");
    }

    #[test]
    fn a_link_to_a_source_leads_to_the_address() {
        let (text, _) = shown(Some("https://git.example/main"));
        assert!(text.starts_with("See [the store](https://git.example/main/src/store.rs), [keys]"), "{text}");
    }
}
