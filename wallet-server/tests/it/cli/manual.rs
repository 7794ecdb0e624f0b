//! The commands `completions` and `man-pages`, and the script that makes both for the Debian package.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use super::run;
use crate::style::root;

#[test]
fn bash_completes_commands_and_options_after_it_has_read_the_completions() {
    let ended = run(&["completions", "bash"], &[]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    // As bash does when the user presses the tab key after these words.
    let complete = |words: &str, last: &str| {
        let script = format!(
            "{}\nCOMP_WORDS=({words} {last:?}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))\n\
             _wallet-server wallet-server {last:?} x\nprintf '%s\\n' \"${{COMPREPLY[@]}}\"",
            ended.stdout
        );
        let output = Command::new("bash").args(["-c", &script]).output().expect("bash");
        String::from_utf8(output.stdout).expect("text")
    };
    assert_eq!(complete("wallet-server", "unf"), "unfreeze\n");
    assert_eq!(complete("wallet-server keys", "rot"), "rotate\n");
    assert_eq!(complete("wallet-server serve", "--tls-ce"), "--tls-cert\n");
}

#[test]
fn every_command_and_setting_has_a_place_in_the_manual_pages_of_the_package() {
    let folder = tempfile::tempdir().unwrap();
    symlink(env!("CARGO_BIN_EXE_wallet-server"), folder.path().join("wallet-server")).unwrap();
    let script = root().join("scripts/package-files");
    let status = Command::new(script).arg(folder.path()).status().expect("the script runs");
    assert!(status.success());
    let pages: BTreeSet<String> = fs::read_dir(folder.path().join("man"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let help = run(&["--help"], &[]).stdout;
    let (_, commands) = help.split_once("Commands:").expect("a list of commands");
    let commands = commands.lines().skip(1).take_while(|line| !line.is_empty());
    let names: Vec<&str> = commands
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .collect();
    assert!(names.len() >= 14, "{names:?}");
    for name in names {
        assert!(pages.contains(&format!("wallet-server-{name}.1.gz")), "{name}: {pages:?}");
    }
    let page = folder.path().join("man/wallet-server-serve.1.gz");
    let unpacked = Command::new("gzip").args(["--decompress", "--stdout"]).arg(page).output().expect("gzip");
    let serve = String::from_utf8(unpacked.stdout).expect("text").replace("\\-", "-");
    let settings = fs::read_to_string(root().join("docs/configuration.md")).unwrap();
    let flags: Vec<&str> =
        settings.split('`').filter(|word| word.starts_with("--") && !word.contains(' ')).collect();
    assert!(flags.len() > 20, "{flags:?}");
    for flag in flags {
        assert!(serve.contains(flag), "no {flag} in the page of serve");
    }
    for file in ["wallet-server", "wallet-server.fish", "_wallet-server"] {
        assert!(fs::metadata(folder.path().join("completions").join(file)).unwrap().len() > 1000, "{file}");
    }
}
