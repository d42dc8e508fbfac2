//! Records, revisions and changes on SQLite and PostgreSQL, behind one small trait.
