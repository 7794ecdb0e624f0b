//! The terminal of an operator: a name that somebody else chose writes nothing to it but text.

use super::run;
use crate::harness::Database;

#[test]
fn control_characters_in_a_name_are_escaped_in_results_and_errors() {
    let database = Database::sqlite();
    let url = database.url.replace("wallet.db", "\x1b[31m\rred.db");
    let missing = url.replace("red.db", "missing.db");
    for (arguments, code) in [
        (["migrate", "--database-url", &url], 0),
        (["verify", "--database-url", &url], 0),
        (["verify", "--database-url", &missing], 2),
    ] {
        let ended = run(&arguments, &[]);
        assert_eq!(ended.code, Some(code), "{ended:?}");
        let shown = ended.stdout + &ended.stderr;
        assert!(shown.contains("\\u{1b}[31m\\u{d}"), "{arguments:?}: {shown:?}");
        assert!(!shown.contains(['\x1b', '\r']), "{arguments:?}: {shown:?}");
    }
}
