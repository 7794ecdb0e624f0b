//! Reads of `verify` other than the pages of wallets: the tables of the control plane, and the schema.

use migrations::Migrator;
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, EntityTrait, FromQueryResult, IdenStatic, Iterable,
    PrimaryKeyToColumn, QueryResult, Statement,
};
use sea_orm_migration::MigratorTrait;

use crate::store::{Backend, ReadTx, StoreError};

/// A table, column, constraint, index, trigger or migration: its kind and name, and its definition as the database
/// shows it.
pub(crate) type SchemaObject = (String, String);

impl ReadTx {
    /// Passes the rows of a small table to `each` in key order. A row that cannot be decoded is passed as an error
    /// text.
    pub(crate) async fn each_of<E: EntityTrait>(
        &self,
        mut each: impl FnMut(Result<E::Model, String>) + Send,
    ) -> Result<(), StoreError> {
        let name = E::default().table_name();
        let key: Vec<&str> = E::PrimaryKey::iter().map(|key| key.into_column().as_str()).collect();
        let sql = format!("SELECT * FROM {name} ORDER BY {}", key.join(", "));
        let read = |row: QueryResult| {
            each(E::Model::from_query_result(&row, "").map_err(|error| error.to_string()));
        };
        self.each_row(&sql, Vec::new(), read).await
    }

    /// Returns the objects of the schema, ordered by name.
    pub(crate) async fn schema(&self) -> Result<Vec<SchemaObject>, StoreError> {
        let (mut objects, mut failed) = (Vec::new(), None);
        let sql = if self.backend() == Backend::Sqlite { SQLITE } else { POSTGRES };
        let each = |row: QueryResult| match object(&row) {
            Ok(object) => objects.push(object),
            Err(error) => failed = Some(error),
        };
        self.each_row(sql, Vec::new(), each).await?;
        failed.map_or(Ok(objects), Err)
    }
}

/// Returns the schema that the migrations create in an empty SQLite database.
pub(crate) async fn fresh_schema() -> Result<Vec<SchemaObject>, StoreError> {
    let mut options = ConnectOptions::new("sqlite::memory:");
    options.max_connections(1).sqlx_logging(false);
    let connection = Database::connect(options).await?;
    Migrator::up(&connection, None).await?;
    let rows = connection.query_all_raw(Statement::from_string(Backend::Sqlite.db(), SQLITE)).await?;
    connection.close().await?;
    rows.iter().map(object).collect()
}

fn object(row: &QueryResult) -> Result<SchemaObject, StoreError> {
    Ok((row.try_get("", "name")?, row.try_get("", "definition")?))
}

/// Lists the objects of a SQLite schema. The name of a trigger includes its table.
const SQLITE: &str = "
SELECT CASE type WHEN 'trigger' THEN 'trigger ' || tbl_name || '.' || name ELSE type || ' ' || name END AS name,
       sql AS definition
  FROM sqlite_master
 WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' AND tbl_name NOT LIKE 'seaql_%'
UNION ALL
SELECT 'migration ' || version, 'applied' FROM seaql_migrations
ORDER BY 1";

/// Lists the objects of the PostgreSQL schema that contains the table `wallets`. A partition does not count as a
/// table.
const POSTGRES: &str = r#"
WITH home AS (SELECT relnamespace AS oid, quote_ident(nspname) || '.' AS prefix
                FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace WHERE pg_class.oid = 'wallets'::regclass),
     ours AS (SELECT c.oid, relname::text AS name FROM pg_class c JOIN home ON relnamespace = home.oid
               WHERE relkind IN ('r', 'p') AND NOT relispartition AND relname NOT LIKE 'seaql\_%')
SELECT name, btrim(regexp_replace(replace(definition, (SELECT prefix FROM home), ''), '\s+', ' ', 'g')) AS definition
  FROM (
    SELECT 'table ' || name AS name, 'a table' AS definition FROM ours
    UNION ALL
    SELECT 'column ' || name || '.' || attname, format_type(atttypid, atttypmod)
           || CASE WHEN attnotnull THEN ' NOT NULL' ELSE '' END
           || coalesce(' DEFAULT ' || pg_get_expr(adbin, adrelid), '')
      FROM pg_attribute JOIN ours ON attrelid = ours.oid
      LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
     WHERE attnum > 0 AND NOT attisdropped
    UNION ALL
    SELECT 'constraint ' || name || '.' || conname, pg_get_constraintdef(c.oid)
      FROM pg_constraint c JOIN ours ON conrelid = ours.oid WHERE contype IN ('c', 'p', 'u', 'x', 'f')
    UNION ALL
    SELECT 'index ' || i.relname, pg_get_indexdef(indexrelid)
           || CASE WHEN indisvalid AND indisready THEN '' ELSE ' INVALID' END
      FROM pg_index JOIN ours ON indrelid = ours.oid JOIN pg_class i ON i.oid = indexrelid
    UNION ALL
    SELECT 'trigger ' || name || '.' || tgname, pg_get_triggerdef(t.oid)
           || CASE tgenabled WHEN 'O' THEN '' WHEN 'A' THEN '' ELSE ' DISABLED' END
      FROM pg_trigger t JOIN ours ON tgrelid = ours.oid WHERE NOT tgisinternal
    UNION ALL
    SELECT 'rule ' || name || '.' || rulename, pg_get_ruledef(r.oid)
      FROM pg_rewrite r JOIN ours ON ev_class = ours.oid
    UNION ALL
    SELECT 'function ' || proname, prosrc
      FROM pg_proc JOIN home ON pronamespace = home.oid WHERE proname LIKE '%\_are\_immutable'
    UNION ALL
    SELECT 'migration ' || version, 'applied' FROM seaql_migrations
) AS objects ORDER BY name COLLATE "C""#;
