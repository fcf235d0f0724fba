import { query } from '../database/sql.js';
import type { Database } from '../database/open-database.js';

export interface StoredKnowledge {
  readonly digest: string;
  /** Null when it is the one that the asker knows. */
  readonly value: Buffer | null;
}

/** Reads values of session knowledge, many of them by one query. */
export interface KnowledgeReader {
  /** `known`: digest of the value that the asker has, or empty. Undefined: there is none. Errors: `database-unavailable`. */
  read(sessionId: string, keyDigest: string, known: string): Promise<StoredKnowledge | undefined>;
}

interface Question {
  readonly sessionId: string;
  readonly keyDigest: string;
  readonly known: string;
  readonly resolve: (found: StoredKnowledge | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/** Values have up to 4 MiB each. */
const questionsPerQuery = 32;
const queriesAtOnce = 2;

const statement = `select asked.number, k.digest, case when k.digest = asked.known then null else k.value end as value
  from unnest($1::text[], $2::text[], $3::text[]) with ordinality as asked (session_id, key_digest, known, number)
  join session_knowledge k on k.session_id = asked.session_id and k.key_digest = asked.key_digest`;

/** Whatever is asked while two queries run shares the next: every request that no inspector knows asks whether a redirect led to it. */
export function createKnowledgeReader(database: Database): KnowledgeReader {
  const waiting: Question[] = [];
  let running = 0;

  function startNext(): void {
    if (running === queriesAtOnce || waiting.length === 0) return;
    running += 1;
    const questions = waiting.splice(0, questionsPerQuery);
    void answer(database, questions).finally(() => {
      running -= 1;
      startNext();
    });
    startNext();
  }

  return {
    read: (sessionId, keyDigest, known) =>
      new Promise((resolve, reject) => {
        waiting.push({ sessionId, keyDigest, known, resolve, reject });
        // What else this turn of the event loop asks comes along.
        if (waiting.length === 1) setImmediate(startNext);
      }),
  };
}

async function answer(database: Database, questions: readonly Question[]): Promise<void> {
  try {
    const parameters = [questions.map(({ sessionId }) => sessionId), questions.map(({ keyDigest }) => keyDigest), questions.map(({ known }) => known)];
    const rows = await query<StoredKnowledge & { readonly number: string }>(database, statement, parameters);
    const found = new Map(rows.map(({ number, digest, value }) => [Number(number) - 1, { digest, value }]));
    for (const [index, { resolve }] of questions.entries()) resolve(found.get(index));
  } catch (error) {
    for (const { reject } of questions) reject(error);
  }
}
