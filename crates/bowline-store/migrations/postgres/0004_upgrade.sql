-- Which programs may work with the database after each migration: see README.md.
ALTER TABLE migration ADD COLUMN oldest INTEGER;

-- Where this database is: its cluster, its name in it, its timeline. Empty until a server has looked. What was restored, copied or promoted
-- by PostgreSQL's own means is somewhere else, and begins a new epoch.
CREATE TABLE place (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    identity TEXT NOT NULL
);
INSERT INTO place VALUES (1, '');
