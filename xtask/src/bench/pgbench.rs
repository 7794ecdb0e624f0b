//! The floor of a single durable command: pgbench with one client and a transaction of the same shape as a batch of one
//! command (a locked row, two inserts, an update).

use anyhow::{Context as _, Result};

use crate::postgres::Postgres;

const SCHEMA: &str = "
CREATE TABLE bench_wallets (id integer PRIMARY KEY, version bigint NOT NULL, head bytea NOT NULL);
CREATE TABLE bench_jobs (wallet integer, id bigint, state smallint, terms text, PRIMARY KEY (wallet, id));
CREATE TABLE bench_entries (wallet integer, revision bigint, postings text, hash bytea, PRIMARY KEY (wallet, revision));
INSERT INTO bench_wallets SELECT n, 0, sha256('') FROM generate_series(1, 10000) n;
";

const TRANSACTION: &str = "\\set wallet random(1, 10000)
\\set job random(1, 1000000000000)
BEGIN;
SELECT version, head FROM bench_wallets WHERE id = :wallet FOR NO KEY UPDATE;
INSERT INTO bench_jobs VALUES (:wallet, :job, 1, repeat('t', 400));
INSERT INTO bench_entries VALUES (:wallet, :job, repeat('p', 300), sha256('entry'));
UPDATE bench_wallets SET version = version + 1, head = sha256('entry') WHERE id = :wallet;
COMMIT;
";

/// Returns the transactions per second and the mean latency in milliseconds.
pub(super) fn run(postgres: &Postgres, seconds: f64) -> Result<(f64, f64)> {
    const DATABASE: &str = "pgbench";
    postgres.create(DATABASE)?;
    postgres.query(DATABASE, SCHEMA)?;
    let script = tempfile::NamedTempFile::new()?;
    std::fs::write(script.path(), TRANSACTION)?;
    // The user that runs the server's programs must be able to read the file.
    std::fs::set_permissions(script.path(), std::os::unix::fs::PermissionsExt::from_mode(0o644))?;
    let mut pgbench = postgres.client("pgbench");
    pgbench.args(["--no-vacuum", "--client=1", "--protocol=prepared"]);
    pgbench.arg(format!("--time={:.0}", seconds.max(1.0))).arg("--file").arg(script.path()).arg(DATABASE);
    let output = crate::process::output(&mut pgbench)?;
    postgres.drop_database(DATABASE)?;
    let figure = |before: &str| {
        let rest = output.lines().find_map(|line| line.trim().strip_prefix(before))?;
        rest.split_whitespace().next()?.parse::<f64>().ok()
    };
    figure("tps = ").zip(figure("latency average = ")).with_context(|| format!("no figures in {output}"))
}
