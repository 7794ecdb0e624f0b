//! The instructions of the Dockerfile that matter when it is built without a container engine.

use anyhow::{Context, Result, ensure};

/// A file or folder that the last stage copies from the build stage.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Copied {
    pub(super) from: String,
    pub(super) to: String,
    pub(super) owner: Option<String>,
}

/// The Dockerfile: a build stage, and a stage that copies from it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Dockerfile {
    /// The folder in which the build commands run.
    pub(super) work: String,
    pub(super) build: Vec<String>,
    pub(super) copies: Vec<Copied>,
    /// The folder in which the program runs.
    pub(super) home: String,
    pub(super) user: String,
    pub(super) variables: Vec<(String, String)>,
    pub(super) program: String,
    pub(super) arguments: Vec<String>,
    pub(super) probe: Vec<String>,
}

impl Dockerfile {
    /// Reads the instructions. An instruction that the check does not know is refused.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let text =
            text.lines().filter(|line| !line.trim_start().starts_with('#')).collect::<Vec<_>>().join("\n");
        let mut file = Self {
            work: String::new(),
            build: Vec::new(),
            copies: Vec::new(),
            home: String::new(),
            user: String::new(),
            variables: Vec::new(),
            program: String::new(),
            arguments: Vec::new(),
            probe: Vec::new(),
        };
        let mut stages = 0;
        for line in text.replace("\\\n", " ").lines().filter(|line| !line.trim().is_empty()) {
            let (word, rest) = line.split_once(' ').with_context(|| line.to_owned())?;
            let rest = rest.trim().to_owned();
            match (word, stages) {
                ("FROM", _) => stages += 1,
                ("WORKDIR", 1) => file.work = rest,
                ("RUN", 1) => file.build.push(rest),
                ("COPY", 1) => ensure!(rest == ". .", "the build stage copies {rest}"),
                ("COPY", 2) => file.copies.push(copied(&rest)?),
                ("WORKDIR", 2) => file.home = rest,
                ("USER", 2) => file.user = rest,
                ("ENV", 2) => {
                    let (name, value) = rest.split_once('=').context("ENV has a name and a value")?;
                    file.variables.push((name.to_owned(), value.to_owned()));
                }
                ("ENTRYPOINT", 2) => [file.program] = serde_json::from_str(&rest)?,
                ("CMD", 2) => file.arguments = serde_json::from_str(&rest)?,
                ("HEALTHCHECK", 2) => {
                    let (_, probe) = rest.split_once("CMD ").context("HEALTHCHECK has a command")?;
                    file.probe = serde_json::from_str(probe)?;
                }
                ("ARG", 1) | ("EXPOSE" | "VOLUME", 2) => {}
                _ => anyhow::bail!("the check does not know {line:?}"),
            }
        }
        ensure!(stages == 2 && !file.copies.is_empty(), "it has a build stage and one that copies from it");
        Ok(file)
    }
}

fn copied(rest: &str) -> Result<Copied> {
    let mut words: Vec<&str> = rest.split_whitespace().collect();
    ensure!(words.first() == Some(&"--from=build"), "a copy is not from the build stage: {rest}");
    words.remove(0);
    let owner = words.first().and_then(|word| word.strip_prefix("--chown=")).map(str::to_owned);
    if owner.is_some() {
        words.remove(0);
    }
    let [from, to] = words.as_slice() else { anyhow::bail!("a copy has a source and a target: {rest}") };
    Ok(Copied { from: (*from).to_owned(), to: (*to).to_owned(), owner })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_instructions_of_both_stages_are_read_and_others_are_refused() {
        let text = "# a comment\nFROM a AS build\nWORKDIR /src\nCOPY . .\nARG C=\nRUN one \\\n    && two\nFROM b\n\
                    COPY --from=build --chown=1:1 /src/out/var /var\nENV A=b=c\nUSER 1:1\nEXPOSE 1\n\
                    HEALTHCHECK --timeout=1s CMD [\"/p\", \"health\"]\nENTRYPOINT [\"/p\"]\nCMD [\"serve\"]\n";
        let file = Dockerfile::parse(text).unwrap();
        assert_eq!(file.build, ["one      && two"]);
        let var = Copied { from: "/src/out/var".into(), to: "/var".into(), owner: Some("1:1".into()) };
        assert_eq!(file.copies, [var]);
        assert_eq!(file.variables, [("A".to_owned(), "b=c".to_owned())]);
        assert_eq!((file.program.as_str(), file.probe.len(), file.arguments.len()), ("/p", 2, 1));
        assert!(Dockerfile::parse(&format!("{text}ADD x y\n")).is_err());
        assert!(Dockerfile::parse(&format!("{text}COPY x y\n")).is_err());
    }
}
