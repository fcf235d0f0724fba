// Leaves something in the database by which a later start can see that the data are the same.
import pg from 'pg';

const client = new pg.Client({ connectionString: process.env.MILLRACE_DATABASE_URL });
await client.connect();
await client.query('CREATE TABLE IF NOT EXISTS starts (at timestamptz NOT NULL DEFAULT now())');
await client.query('INSERT INTO starts DEFAULT VALUES');
await client.end();
