"""The door to the database: engine, column types, transactions. The rooms' tables and SQL
live in the rooms."""
