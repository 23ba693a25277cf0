-- Triggers keep the totals up to date, because counting all rows for each stored answer would be too slow.
BEGIN IMMEDIATE;
DROP TABLE IF EXISTS responses; DROP TABLE IF EXISTS generations; DROP TABLE IF EXISTS totals;
CREATE TABLE responses (key TEXT PRIMARY KEY, value TEXT NOT NULL, expires REAL NOT NULL, size INTEGER NOT NULL);
CREATE INDEX ends ON responses (expires);
CREATE TABLE generations (scope TEXT PRIMARY KEY, token TEXT NOT NULL);
CREATE TABLE totals (number INTEGER NOT NULL, bytes INTEGER NOT NULL);
INSERT INTO totals VALUES (0, 0);
CREATE TRIGGER added AFTER INSERT ON responses
    BEGIN UPDATE totals SET number = number + 1, bytes = bytes + NEW.size; END;
CREATE TRIGGER removed AFTER DELETE ON responses
    BEGIN UPDATE totals SET number = number - 1, bytes = bytes - OLD.size; END;
COMMIT;
