-- Which programs may work with the database after each migration: see README.md. On PostgreSQL this migration also makes the table that
-- tells where the database is; here the file `head` beside it shows what was restored.
ALTER TABLE migration ADD COLUMN oldest INTEGER;
