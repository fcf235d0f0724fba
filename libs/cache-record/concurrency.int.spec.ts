import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { query } from '../database/sql.js';
import { isMillraceError } from '../errors/millrace-error.js';
import { by, digestOf, draftOf, nameOf, recordedCache, reference } from './__fixtures__/recorded-cache.js';

const { database, record, pass, push, announced } = recordedCache();

/** A forest of claims: directory n names files and later directories, so that there are diamonds and no loops. */
const directories = 6;
const texts = Array.from({ length: 12 }, (_, index) => `text ${index}`);
const directory = (index: number): string => `directory ${index}`;
const childrenOf = (index: number) => [
  reference(texts[index] ?? ''),
  reference(texts[index + 1] ?? ''),
  ...Array.from({ length: directories }, (_, other) => other).filter((other) => other > index && (other + index) % 2 === 1).map((other) => reference(directory(other), 'directory')),
];

const place = fc.nat(directories - 1);
const action = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant('push' as const), texts: fc.subarray([...texts, ...Array.from({ length: directories }, (_, index) => directory(index))]) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('object' as const), at: place }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('expand' as const), at: place }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('put' as const), key: fc.nat(4), at: place, texts: fc.subarray(texts), value: fc.nat(30) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('remove' as const), key: fc.nat(4) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('lose' as const), at: place }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('find' as const), key: fc.nat(4) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('evict' as const), limit: fc.integer({ min: 1, max: 40 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('garbage' as const) }) },
);
type Action = typeof action extends fc.Arbitrary<infer Value> ? Value : never;

let written = 0;

async function act(one: Action): Promise<unknown> {
  switch (one.do) {
    case 'push':
      return push(...one.texts);
    case 'object':
      return announced(directory(one.at), `main/object-${(written += 1)}`);
    case 'expand':
      return record().expandBlob('main', digestOf(directory(one.at)), 'directory', childrenOf(one.at));
    case 'put':
      return record().putEntry(draftOf(`key ${one.key}`, { target: reference(directory(one.at), 'directory'), references: one.texts.map((text) => reference(text)), value: Buffer.alloc(one.value) }), by);
    case 'remove':
      return record().removeEntry(nameOf(`key ${one.key}`), by, 'removed');
    case 'lose': {
      const [found] = await record().locate('main', [digestOf(directory(one.at))]);
      return found && record().loseBlob('main', digestOf(directory(one.at)), 'object' in found ? found.object : '', 'missing');
    }
    case 'find':
      return record().findEntry(nameOf(`key ${one.key}`));
    case 'evict':
      return record().evict('main', { toBytes: 0, unusedSince: undefined, limit: one.limit, dryRun: false, reason: 'quota', by });
    case 'garbage':
      return record().forgetGarbage('main', await record().garbage('main', 10));
  }
}

/** Everything that was counted is counted again; each of these has to be empty. */
const wrong: Readonly<Record<string, string>> = {
  'a blob is counted other than it is named': `select b.id from cache_blobs b where counted <> (select count(*) from cache_blob_children e where e.child_id = b.id) + (select count(*) from cache_entry_blobs r where r.blob_id = b.id)`,
  'something names a blob that is not known': `select e.child_id from cache_blob_children e left join cache_blobs b on b.id = e.child_id where b.id is null union select r.blob_id from cache_entry_blobs r left join cache_blobs b on b.id = r.blob_id where b.id is null`,
  'something names that is gone': `select e.parent_id from cache_blob_children e left join cache_blobs b on b.id = e.parent_id where b.id is null union select r.entry_id from cache_entry_blobs r left join cache_entries n on n.id = r.entry_id where n.id is null`,
  'a blob is there without its content, or gone and not': `select b.id from cache_blobs b left join cache_blob_contents c on c.blob_id = b.id where b.present <> (b.object is not null or c.blob_id is not null) or (b.object is not null and c.blob_id is not null)`,
  'a content is of no blob': `select c.blob_id from cache_blob_contents c left join cache_blobs b on b.id = c.blob_id where b.id is null`,
  'an object is used and garbage': `select b.object from cache_blobs b join cache_objects o on o.instance = b.instance and o.key = b.object`,
  'an object is waiting that was committed or refused': `select key from cache_objects where announced`,
  'the use of an instance is other than the sum of what is there': `select instance, sum(bytes), sum(blobs), sum(entries) from cache_usage group by instance except select 'main', (select coalesce(sum(size), 0) from cache_blobs where present) + (select coalesce(sum(value_bytes), 0) from cache_entries), (select count(*) from cache_blobs where present), (select count(*) from cache_entries)`,
  'a place in the queue is later than the use': `select id from cache_blobs where ranked_at > used_at`,
  'a name is there of an entry that is not, or the other way round': `select n.name_digest from cache_entry_names n full join cache_entries e using (instance, kind, name_digest) where (n.removed_at is null) is distinct from (e.id is not null) or n.name_digest is null`,
};

async function findWrong(): Promise<string[]> {
  const found: string[] = [];
  for (const [what, text] of Object.entries(wrong)) if ((await query(database(), text)).length > 0) found.push(what);
  return found;
}

/** A connection that was cut while nobody used it is noticed when somebody does: all of the pool are used at once, until none is. */
async function reconnected(): Promise<void> {
  for (let cut = true; cut; ) {
    const asked = await Promise.allSettled(Array.from({ length: 30 }, () => query(database(), 'select pg_sleep(0.05)')));
    cut = asked.some(({ status }) => status === 'rejected');
  }
}

/** By the rules alone: what the entry needs is there, and looked into. */
async function needsMet(key: string): Promise<boolean> {
  const entry = (await record().findEntry(nameOf(key)))?.entry;
  if (entry === undefined) return false;
  const expanded = new Set((await query<{ hash: string }>(database(), `select encode(hash, 'hex') as hash from cache_blobs where present and expanded = 1`)).map(({ hash }) => hash));
  const needed = [...(entry.target === undefined ? [] : [entry.target]), ...entry.references];
  for (const one of needed) {
    if (!(await record().present('main', [one.digest]))[0]) return false;
    if (one.shape !== 'directory') continue;
    if (!expanded.has(one.digest.hash)) return false;
    needed.push(...childrenOf(Array.from({ length: directories }, (_, index) => index).find((index) => digestOf(directory(index)).hash === one.digest.hash) ?? 0));
  }
  return true;
}

describe('the cache record under many hands', () => {
  it('counts right, keeps each rule, and finds complete what is complete, whatever is done at once', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.record({ actions: fc.array(action, { minLength: 4, maxLength: 24 }), seconds: fc.constantFrom(0, 500, 4000, 8000) }), { minLength: 2, maxLength: 4 }), async (rounds) => {
        for (const { actions, seconds } of rounds) {
          const results = await Promise.allSettled(actions.map(act));
          const failed = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
          // A push of the same object key is none of this spec's; all else succeeds.
          expect(failed.map((error) => (isMillraceError(error) ? `${error.code}: ${error.message}` : error))).toEqual([]);
          expect(await findWrong()).toEqual([]);
          for (let key = 0; key < 5; key += 1) expect({ key, complete: (await record().findEntry(nameOf(`key ${key}`)))?.complete ?? false }).toEqual({ key, complete: await needsMet(`key ${key}`) });
          pass(seconds);
        }
      }),
      { numRuns: 4 },
    );
  });

  it('is whole after its connections were cut in the middle of whatever they did', async () => {
    const actions = fc.sample(action, 120);
    let going = true;
    const cutting = (async () => {
      while (going) {
        await query(database(), 'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()').catch(() => undefined);
        await pause(5);
      }
    })();
    const results = await Promise.allSettled(actions.map(act));
    going = false;
    await cutting;
    await reconnected();
    const failed = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
    expect(failed.length).toBeGreaterThan(0);
    // Whether what was cut at its commit was done is not known; an object that was announced for it becomes garbage.
    expect([...new Set(failed.map((error) => (isMillraceError(error) ? error.code : error)))]).toEqual(['database-unavailable']);
    expect((await findWrong()).filter((what) => !what.includes('waiting'))).toEqual([]);
    pass(25 * 3600);
    await record().forgetGarbage('main', await record().garbage('main', 1000));
    expect(await findWrong()).toEqual([]);
  });

  it('never takes a blob that was reported present, however many ask while it evicts', async () => {
    const names = Array.from({ length: 200 }, (_, index) => `raced ${index}`);
    await push(...names);
    pass(3700);
    const limits = { toBytes: 0, unusedSince: undefined, limit: 5, dryRun: false, reason: 'quota', by } as const;
    const evicting = Array.from({ length: 4 }, async () => {
      for (let more = true; more; ) more = (await record().evict('main', limits)).more;
    });
    const asked = await Promise.all(
      Array.from({ length: 40 }, async (_, index) => {
        await pause(index * 4);
        const some = names.slice(index * 5, index * 5 + 5).map(digestOf);
        const found = await record().present('main', some);
        return some.filter((__, at) => found[at]);
      }),
    );
    await Promise.all(evicting);
    await record().evict('main', { ...limits, limit: 1000 });
    const promised = asked.flat();
    expect(promised.length).toBeGreaterThan(0);
    expect(await record().present('main', promised)).toEqual(promised.map(() => true));
    expect(await findWrong()).toEqual([]);
  });

  it('does not wait in circles when large pushes, expansions and evictions meet', async () => {
    const many = Array.from({ length: 300 }, (_, index) => `circle ${index}`);
    const shuffled = (seed: number): string[] => [...many].sort((one, other) => (digestOf(one + seed).hash < digestOf(other + seed).hash ? -1 : 1));
    await push(...Array.from({ length: 8 }, (_, index) => `circle root ${index}`));
    await Promise.all(
      Array.from({ length: 8 }, async (_, seed) => {
        await Promise.all([
          push(...shuffled(seed)),
          record().expandBlob('main', digestOf(`circle root ${seed}`), 'directory', shuffled(seed + 10).map((text) => reference(text))),
          record().putEntry(draftOf(`circle ${seed % 3}`, { references: shuffled(seed + 20).map((text) => reference(text)) }), by),
        ]);
        await Promise.all([record().removeEntry(nameOf(`circle ${seed % 3}`), by, 'removed'), record().present('main', shuffled(seed + 30).map(digestOf)), push(...shuffled(seed + 40))]);
      }),
    );
    const [conflicts] = await query<{ deadlocks: string }>(database(), 'select deadlocks from pg_stat_database where datname = current_database()');
    expect(conflicts?.deadlocks).toBe('0');
    expect(await findWrong()).toEqual([]);
  });
});
