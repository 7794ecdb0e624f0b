//! Builds the image of the Dockerfile without a container engine, and starts it: the build commands run literally in a
//! copy of the files that `.dockerignore` admits, and the binary runs in a root folder that has the copied files alone.
//!
//! The Debian package is made from the same binary, installed and purged, and linters examine the files of `ops/`.
//!
//! The base image is represented by the C libraries that the binary names. They must be among those that the base has.

mod debian;
mod dockerfile;
mod lint;
mod started;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;

use crate::process::{command, output, run as run_command};
use crate::tools::Tools;
use dockerfile::Dockerfile;

/// The libraries of `gcr.io/distroless/cc` that a program in Rust may need.
const LIBRARIES: [&str; 6] =
    ["ld-linux", "libc.so.6", "libdl.so.2", "libgcc_s.so.1", "libm.so.6", "libpthread.so.0"];

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Takes this binary instead of a release build, for a quick trial
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    Tools::Package.find()?;
    ensure!(
        output(command("id").arg("-u"))? == "0",
        "run it as root: it starts the server in a root folder of its own"
    );
    let file = Dockerfile::parse(&fs::read_to_string("Dockerfile").context("Dockerfile")?)?;
    let folder = tempfile::Builder::new().prefix("wallet-image-").tempdir()?;
    let (source, root) = (folder.path().join("src"), folder.path().join("root"));
    admit(&source)?;
    build(&file, &source, options.binary.as_deref())?;
    assemble(&file, &source, &root)?;
    let binary = root.join(file.program.trim_start_matches('/'));
    let libraries = libraries(&binary)?;
    for library in &libraries {
        let copied = command("cp").args(["--dereference", "--parents"]).arg(library).arg(&root).status()?;
        ensure!(copied.success(), "cannot copy {library}");
    }
    println!("the image has {} libraries of its base and {}", libraries.len(), file.program);
    // The folder of a temporary directory is closed to others.
    run_command(command("chmod").args(["755"]).arg(folder.path()))?;
    started::check(&file, &root)?;
    lint::check(folder.path(), &binary)?;
    debian::check(&source, &folder.path().join("debian"))
}

/// Copies the files that `.dockerignore` admits.
fn admit(source: &Path) -> Result<()> {
    fs::create_dir_all(source)?;
    let admitted = fs::read_to_string(".dockerignore").context(".dockerignore")?;
    let names: Vec<&str> = admitted.lines().filter_map(|line| line.strip_prefix('!')).collect();
    ensure!(names.len() > 5, ".dockerignore admits only {names:?}");
    run_command(command("cp").arg("--archive").args(names).arg(source))
}

/// Runs the commands of the build stage. With a binary, the build by cargo is left out.
fn build(file: &Dockerfile, source: &Path, binary: Option<&Path>) -> Result<()> {
    if let Some(binary) = binary {
        let release = source.join("target/release");
        fs::create_dir_all(&release)?;
        let name = Path::new(&file.program).file_name().context("a program")?;
        fs::copy(binary, release.join(name)).with_context(|| binary.display().to_string())?;
    }
    for line in &file.build {
        if binary.is_some() && line.starts_with("cargo build ") {
            println!("left out: {line}");
            continue;
        }
        println!("{line}");
        let mut shell = command("sh");
        run_command(shell.args(["-euc", line]).current_dir(source).env_remove("CARGO_TARGET_DIR"))?;
    }
    Ok(())
}

/// Copies the files of the build stage into the root folder of the image, with their owners.
fn assemble(file: &Dockerfile, source: &Path, root: &Path) -> Result<()> {
    for copy in &file.copies {
        let from = source.join(
            copy.from.strip_prefix(&file.work).with_context(|| copy.from.clone())?.trim_start_matches('/'),
        );
        let to = root.join(copy.to.trim_start_matches('/'));
        fs::create_dir_all(&to)?;
        run_command(command("cp").args(["--recursive", "--no-target-directory"]).arg(&from).arg(&to))?;
        if let Some(owner) = &copy.owner {
            run_command(command("chown").args(["--recursive", owner]).arg(&to))?;
        }
    }
    Ok(())
}

/// Returns the paths of the libraries that a binary loads, all of which the base image has.
fn libraries(binary: &Path) -> Result<Vec<String>> {
    let mut paths = Vec::new();
    for line in output(command("ldd").arg(binary))?.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            [name, ..] if name.starts_with("linux-vdso") => {}
            [name, "=>", path, ..] | [name @ path, ..] if path.starts_with('/') => {
                let file = name.rsplit('/').next().unwrap_or(name);
                ensure!(
                    LIBRARIES.iter().any(|known| file.starts_with(known)),
                    "the base image has no {file}"
                );
                paths.push((*path).to_owned());
            }
            _ => bail!("ldd: {line}"),
        }
    }
    Ok(paths)
}
