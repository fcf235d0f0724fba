import { existsSync, globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { errorTable } from '../../libs/errors/error-table.js';

const root = path.resolve(import.meta.dirname, '../..');
const read = (file: string): string => readFileSync(path.join(root, file), 'utf8');
const all = (pattern: RegExp, text: string): string[] => [...text.matchAll(pattern)].map((match) => match[1] ?? '').toSorted();

describe('docs/reference/settings.md', () => {
  const schema = read('libs/settings/settings.ts');
  const page = read('docs/reference/settings.md');

  it('names the variables that settings.ts reads, and no others', () => {
    const documented = all(/^\| `([A-Z_]+)` \|/gm, page.slice(0, page.indexOf('## Secrets by file')));
    const known = all(/^ {2}([A-Z][A-Z_]+): /gm, schema.slice(schema.indexOf('const environmentSchema')));
    expect(known.length).toBeGreaterThan(20);
    expect(documented).toEqual(known);
  });

  it('names the variables that take a file', () => {
    const named = /for \(const name of \[([^\]]+)\]\)/.exec(schema)?.[1] ?? '';
    expect(all(/`(MILLRACE_[A-Z_]+)_FILE`/g, page)).toEqual(all(/'(MILLRACE_[A-Z_]+)'/g, named));
  });

  it.each(all(/^ {2}([A-Z][A-Z_]+): .*\.default\(/gm, schema))('says the default of %s', (name) => {
    const value = new RegExp(`^ {2}${name}: .*\\.default\\((.*?)\\),$`, 'm').exec(schema)?.[1] ?? '';
    const words: Readonly<Record<string, string>> = { true: '`1`', false: '`0`', '[]': '' };
    const expected = words[value] ?? `\`${value.replaceAll(/['[\]]|(?<=^\d+)_(?=\d+$)/g, '')}\``;
    expect(new RegExp(`^\\| \`${name}\` \\| ?(.*?) ?\\|`, 'm').exec(page)?.[1]).toBe(expected);
  });
});

describe('docs/reference/errors.md', () => {
  it('says of each code what the table says', () => {
    const documented = [...read('docs/reference/errors.md').matchAll(/^\| `([a-z-]+)` \| (\d+) \| (\d+) \| (yes|no) \| (.+) \|$/gm)].map(
      ([, code, http, exit, again]) => [code, { http: Number(http), exit: Number(exit), retryable: again === 'yes' }],
    );
    expect(Object.fromEntries(documented)).toEqual(errorTable);
  });
});

describe('docs/reference/cli.md', () => {
  it('explains every exit code', () => {
    const documented = all(/^\| (\d+) \|/gm, read('docs/reference/cli.md'));
    expect(documented).toEqual([...new Set([0, ...Object.values(errorTable).map((row) => row.exit)])].map(String).toSorted());
  });
});

describe('links', () => {
  const pages = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md', ...globSync('docs/**/*.md', { cwd: root })];

  it.each(pages)('of %s lead somewhere', (page) => {
    const targets = [...read(page).matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)].map((match) => match[1] ?? '').filter((target) => !/^[a-z]+:/.test(target));
    expect(targets.filter((target) => !existsSync(path.resolve(root, path.dirname(page), target)))).toEqual([]);
  });
});

describe('docker-compose.yml', () => {
  interface Compose {
    readonly services: Readonly<
      Record<
        string,
        {
          readonly command?: readonly string[];
          readonly environment?: Readonly<Record<string, string>>;
          readonly secrets?: readonly string[];
          readonly depends_on?: object;
        }
      >
    >;
    readonly secrets: Readonly<Record<string, unknown>>;
  }
  const compose = parse(read('docker-compose.yml'), { merge: true }) as Compose;
  const services = Object.entries(compose.services);

  it('starts programs that are there', () => {
    const programs = services.flatMap(([, service]) => (service.command ?? []).filter((word) => word.startsWith('dist/')));
    expect(programs).toEqual(expect.arrayContaining(['dist/apps/gateway/main.js', 'dist/apps/worker/main.js', 'dist/apps/proxy/main.js']));
    expect(programs.filter((program) => !existsSync(path.join(root, program.replace(/^dist\//, '').replace(/js$/, 'ts'))))).toEqual([]);
  });

  it('sets only variables that are settings', () => {
    const set = services.flatMap(([, service]) => Object.keys(service.environment ?? {})).filter((name) => name.startsWith('MILLRACE_'));
    const page = read('docs/reference/settings.md');
    expect(set.length).toBeGreaterThan(0);
    expect(set.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
  });

  it('hands out only secrets that it declares, and depends on services that it has', () => {
    for (const [, service] of services) {
      expect(Object.keys(compose.secrets)).toEqual(expect.arrayContaining([...(service.secrets ?? [])]));
      expect(Object.keys(compose.services)).toEqual(expect.arrayContaining(Object.keys(service.depends_on ?? {})));
    }
  });

  it('holds no password', () => {
    expect(read('docker-compose.yml')).not.toMatch(/(PASSWORD|PWD|AUTH): *\S/);
  });
});
