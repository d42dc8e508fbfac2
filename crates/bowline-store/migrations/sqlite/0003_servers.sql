-- Nothing: one server has this file for itself, and knows by memory who is connected. On PostgreSQL this migration makes the tables of
-- several servers.
SELECT 1;
