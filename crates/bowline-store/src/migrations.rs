//! The list of migrations, and the judgement of what a database has recorded. How to write one: `migrations/README.md`.

use crate::store::OpenError;
use sha2::{Digest, Sha256};

/// One step of the schema.
pub(crate) struct Migration {
    pub(crate) number: u32,
    pub(crate) name: &'static str,
    /// Programs that know no later migration than this one may still work with the database: smaller than the number for what only
    /// expands, the number itself for what contracts.
    pub(crate) oldest: u32,
    pub(crate) text: &'static str,
}

/// What a database has recorded of a migration.
#[derive(Debug, Clone)]
pub(crate) struct Recorded {
    pub(crate) number: u32,
    pub(crate) checksum: String,
    /// None from before the rule.
    pub(crate) oldest: Option<u32>,
}

/// From this migration on `oldest` is recorded.
pub(crate) const RULED: u32 = 4;

/// What SQLite gets.
pub(crate) const SQLITE: &[Migration] = &[
    Migration {
        number: 1,
        name: "first",
        oldest: 1,
        text: include_str!("../migrations/sqlite/0001_first.sql"),
    },
    Migration {
        number: 2,
        name: "activity",
        oldest: 2,
        text: include_str!("../migrations/sqlite/0002_activity.sql"),
    },
    Migration {
        number: 3,
        name: "servers",
        oldest: 3,
        text: include_str!("../migrations/sqlite/0003_servers.sql"),
    },
    Migration {
        number: 4,
        name: "upgrade",
        oldest: 4,
        text: include_str!("../migrations/sqlite/0004_upgrade.sql"),
    },
];

/// What PostgreSQL gets.
pub(crate) const POSTGRES: &[Migration] = &[
    Migration {
        number: 1,
        name: "first",
        oldest: 1,
        text: include_str!("../migrations/postgres/0001_first.sql"),
    },
    Migration {
        number: 2,
        name: "activity",
        oldest: 2,
        text: include_str!("../migrations/postgres/0002_activity.sql"),
    },
    Migration {
        number: 3,
        name: "servers",
        oldest: 3,
        text: include_str!("../migrations/postgres/0003_servers.sql"),
    },
    Migration {
        number: 4,
        name: "upgrade",
        oldest: 4,
        text: include_str!("../migrations/postgres/0004_upgrade.sql"),
    },
];

impl Migration {
    /// SHA-256 of the text, in hex.
    pub(crate) fn checksum(&self) -> String {
        Sha256::digest(self.text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// The newest of a list.
pub(crate) fn newest(known: &[Migration]) -> u32 {
    known.iter().map(|migration| migration.number).max().unwrap_or(0)
}

/// Given what is recorded, says which migrations are still to be applied, or why this program cannot work with the database.
pub(crate) fn pending(
    known: &'static [Migration],
    recorded: &[Recorded],
) -> Result<Vec<&'static Migration>, OpenError> {
    let newest = newest(known);
    for Recorded { number, checksum, oldest } in recorded {
        let Some(migration) = known.iter().find(|migration| migration.number == *number) else {
            if oldest.unwrap_or(*number) <= newest {
                tracing::warn!(
                    number,
                    newest,
                    "a newer version has extended the database; this one goes on with it"
                );
                continue;
            }
            return Err(OpenError::Newer { found: *number, known: newest });
        };
        if migration.checksum() != *checksum {
            let (number, applied) = (*number, checksum.clone());
            return Err(OpenError::OtherMigration { number, applied, known: migration.checksum() });
        }
    }
    let is_recorded = |migration: &&Migration| recorded.iter().any(|found| found.number == migration.number);
    Ok(known.iter().filter(|migration| !is_recorded(migration)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "the test compares the list with the folder")]
    fn both_databases_have_the_same_migrations_and_every_file_is_listed() {
        for (folder, list) in [("sqlite", SQLITE), ("postgres", POSTGRES)] {
            let path = format!("{}/migrations/{folder}", env!("CARGO_MANIFEST_DIR"));
            let mut files: Vec<String> = std::fs::read_dir(path)
                .unwrap()
                .map(|file| file.unwrap().file_name().into_string().unwrap())
                .collect();
            files.sort();
            let listed: Vec<String> = list
                .iter()
                .map(|migration| format!("{:04}_{}.sql", migration.number, migration.name))
                .collect();
            assert_eq!(files, listed);
        }
        let names = |list: &[Migration]| list.iter().map(|m| (m.number, m.name)).collect::<Vec<_>>();
        assert_eq!(names(SQLITE), names(POSTGRES));
    }

    fn recorded(number: u32, checksum: &str, oldest: Option<u32>) -> Recorded {
        Recorded { number, checksum: checksum.to_owned(), oldest }
    }

    #[test]
    fn a_newer_and_an_edited_database_are_refused_and_a_known_one_is_not_touched() {
        let applied: Vec<_> =
            SQLITE.iter().map(|m| recorded(m.number, &m.checksum(), Some(m.oldest))).collect();
        assert!(pending(SQLITE, &applied).unwrap().is_empty());
        assert_eq!(pending(SQLITE, &applied[..1]).unwrap().len(), SQLITE.len() - 1);
        assert_eq!(pending(SQLITE, &[]).unwrap().len(), SQLITE.len());
        let newest = SQLITE.len() as u32;
        for (oldest, works) in
            [(None, false), (Some(newest + 1), false), (Some(newest), true), (Some(1), true)]
        {
            let next = recorded(newest + 1, "x", oldest);
            let newer = pending(SQLITE, &[applied.clone(), vec![next]].concat());
            let refused = matches!(newer, Err(OpenError::Newer { found, known }) if (found, known) == (newest + 1, newest));
            assert_eq!(refused, !works, "{oldest:?}");
        }
        let edited = pending(SQLITE, &[recorded(1, "x", None)]);
        assert!(matches!(edited, Err(OpenError::OtherMigration { number: 1, .. })));
    }

    /// Whether a text takes something away from programs that do not know it, or asks something of what they write.
    fn contracts(text: &str) -> bool {
        let code: String = text
            .lines()
            .map(|line| line.split("--").next().unwrap_or_default())
            .collect::<Vec<_>>()
            .join(" ");
        code.to_uppercase().split(';').any(|statement| {
            let words: Vec<&str> = statement.split_whitespace().collect();
            let has = |phrase: &[&str]| words.windows(phrase.len()).any(|window| window == phrase);
            has(&["DROP"])
                || has(&["RENAME"])
                || has(&["ALTER", "COLUMN"])
                || has(&["ADD", "CONSTRAINT"])
                || has(&["CREATE", "UNIQUE"])
                || (has(&["ADD", "COLUMN"]) && has(&["NOT", "NULL"]) && !has(&["DEFAULT"]))
        })
    }

    #[test]
    fn what_contracts_says_so_and_what_expands_lets_the_version_before_work() {
        for list in [SQLITE, POSTGRES] {
            for pair in list.windows(2) {
                assert!(
                    pair[0].oldest <= pair[1].oldest,
                    "{}: an older one was refused before",
                    pair[1].name
                );
            }
            for migration in list.iter().filter(|migration| migration.number > RULED) {
                let (number, oldest) = (migration.number, migration.oldest);
                assert_eq!(contracts(migration.text), oldest == number, "{}", migration.name);
            }
        }
        for text in [
            "CREATE TABLE new (a INTEGER NOT NULL)",
            "ALTER TABLE t ADD COLUMN a BIGINT; -- DROP\nCREATE INDEX i ON t (a)",
            "ALTER TABLE t ADD COLUMN a BIGINT NOT NULL DEFAULT 0",
        ] {
            assert!(!contracts(text), "{text}");
        }
        for text in [
            "DROP TABLE t",
            "ALTER TABLE t DROP COLUMN a",
            "alter table t rename column a to b",
            "ALTER TABLE t ALTER COLUMN a SET NOT NULL",
            "CREATE UNIQUE INDEX i ON t (a)",
            "ALTER TABLE t ADD COLUMN a BIGINT NOT NULL",
        ] {
            assert!(contracts(text), "{text}");
        }
    }
}
