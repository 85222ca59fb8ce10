//! SQLite store of mesoclaw: one writer thread, reader threads, migrations, repositories.
