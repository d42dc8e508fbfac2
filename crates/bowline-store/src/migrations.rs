//! The list of migrations, and the judgement of what a database has recorded. How to write one: `migrations/README.md`.

use crate::store::OpenError;
use sha2::{Digest, Sha256};

/// One step of the schema.
pub(crate) struct Migration {
    pub(crate) number: u32,
    pub(crate) name: &'static str,
    pub(crate) text: &'static str,
}

/// What SQLite gets.
pub(crate) const SQLITE: &[Migration] = &[
    Migration { number: 1, name: "first", text: include_str!("../migrations/sqlite/0001_first.sql") },
    Migration { number: 2, name: "activity", text: include_str!("../migrations/sqlite/0002_activity.sql") },
    Migration { number: 3, name: "servers", text: include_str!("../migrations/sqlite/0003_servers.sql") },
];

/// What PostgreSQL gets.
pub(crate) const POSTGRES: &[Migration] = &[
    Migration { number: 1, name: "first", text: include_str!("../migrations/postgres/0001_first.sql") },
    Migration { number: 2, name: "activity", text: include_str!("../migrations/postgres/0002_activity.sql") },
    Migration { number: 3, name: "servers", text: include_str!("../migrations/postgres/0003_servers.sql") },
];

impl Migration {
    /// SHA-256 of the text, in hex.
    pub(crate) fn checksum(&self) -> String {
        Sha256::digest(self.text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Given (number, checksum) as recorded, says which migrations are still to be applied, or why the database is not ours.
pub(crate) fn pending(
    known: &'static [Migration],
    recorded: &[(u32, String)],
) -> Result<Vec<&'static Migration>, OpenError> {
    let newest = known.iter().map(|migration| migration.number).max().unwrap_or(0);
    for (number, checksum) in recorded {
        let Some(migration) = known.iter().find(|migration| migration.number == *number) else {
            return Err(OpenError::Newer { found: *number, known: newest });
        };
        if migration.checksum() != *checksum {
            let (number, applied) = (*number, checksum.clone());
            return Err(OpenError::OtherMigration { number, applied, known: migration.checksum() });
        }
    }
    Ok(known
        .iter()
        .filter(|migration| !recorded.iter().any(|(number, _)| *number == migration.number))
        .collect())
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

    #[test]
    fn a_newer_and_an_edited_database_are_refused_and_a_known_one_is_not_touched() {
        let applied: Vec<_> =
            SQLITE.iter().map(|migration| (migration.number, migration.checksum())).collect();
        assert!(pending(SQLITE, &applied).unwrap().is_empty());
        assert_eq!(pending(SQLITE, &applied[..1]).unwrap().len(), SQLITE.len() - 1);
        assert_eq!(pending(SQLITE, &[]).unwrap().len(), SQLITE.len());
        let newest = SQLITE.len() as u32;
        let newer = pending(SQLITE, &[applied, vec![(newest + 1, "x".into())]].concat());
        assert!(
            matches!(newer, Err(OpenError::Newer { found, known }) if (found, known) == (newest + 1, newest))
        );
        let edited = pending(SQLITE, &[(1, "x".into())]);
        assert!(matches!(edited, Err(OpenError::OtherMigration { number: 1, .. })));
    }
}
