import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { Script } from 'node:vm';
import { describe, expect, it } from '@jest/globals';
import { imageEnvironment, interpolate, lastStage, readCompose } from './compose-file.js';

const root = path.resolve(import.meta.dirname, '../..');
const read = (file: string): string => readFileSync(path.join(root, file), 'utf8');
const compose = readCompose(root);
const services = Object.entries(compose.services);
const ours = services.filter(([, service]) => service.image === 'millrace:local');
const named = (name: string) => {
  const service = compose.services[name];
  if (service === undefined) throw new Error(`no service ${name}`);
  return service;
};

describe('settings', () => {
  const source = read('libs/settings/settings.ts');
  const known = [...source.matchAll(/^ {2}([A-Z][A-Z_]+): /gm)].map((match) => match[1]);
  const byFile = [...(/for \(const name of \[([^\]]+)\]\)/.exec(source)?.[1]?.matchAll(/'([A-Z_]+)'/g) ?? [])].map((match) => `${match[1]}_FILE`);

  it('are all read by libs/settings', () => {
    const used = [...ours.flatMap(([, { environment }]) => Object.keys(environment ?? {})), ...Object.keys(imageEnvironment(root))].filter((name) =>
      name.startsWith('MILLRACE_'),
    );
    expect(known).toContain('MILLRACE_DATABASE_URL');
    expect(byFile).toContain('MILLRACE_DATABASE_URL_FILE');
    expect(used.length).toBeGreaterThan(10);
    expect(used.filter((name) => !known.includes(name) && !byFile.includes(name))).toEqual([]);
  });

  it('are the same for gateway, worker, cache and proxies, so that all of them work on one record with one authority', () => {
    const settings = ['gateway', 'worker', 'cache', 'proxy-1', 'proxy-2'].map((name) => named(name));
    for (const { environment, volumes } of settings) {
      expect(environment).toEqual(settings[0]?.environment);
      expect(volumes).toEqual(settings[0]?.volumes);
    }
  });

  it('forbid sessions every port of the service', () => {
    const forbidden = String(named('proxy-1').environment?.['MILLRACE_FORBIDDEN_PORTS']).split(',');
    const published = services.flatMap(([, { ports }]) => ports ?? []).map((port) => port.split(':').at(-2));
    expect(published.length).toBeGreaterThan(2);
    expect(forbidden).toEqual(expect.arrayContaining([...published, '5432', '7233']));
  });

  it('tell each proxy how many share the port', () => {
    const proxies = ours.filter(([, { command }]) => command?.[0] === 'dist/apps/proxy/main.js');
    expect(proxies.length).toBeGreaterThan(1);
    for (const [, { environment, network_mode: network }] of proxies) {
      expect(Number(environment?.['MILLRACE_PROXY_PROCESSES'])).toBe(proxies.length);
      expect(network).toBe('service:proxy-address');
    }
  });

  it('name files of secrets that are mounted', () => {
    for (const [name, service] of services) {
      const text = [...Object.values(service.environment ?? {}), ...(service.entrypoint ?? [])].join(' ');
      const wanted = [...text.matchAll(/\/run\/secrets\/([a-z-]+)/g)].map((match) => match[1] ?? '');
      expect([name, wanted.filter((secret) => service.secrets?.includes(secret) !== true)]).toEqual([name, []]);
    }
    expect(Object.values(compose.secrets).every(({ file }) => file.startsWith('secrets/'))).toBe(true);
  });
});

describe('services', () => {
  it('depend on what says that it is ready', () => {
    for (const [name, service] of services) {
      for (const [other, { condition }] of Object.entries(service.depends_on ?? {})) {
        if (condition === 'service_healthy') expect([name, other, named(other).healthcheck?.test.length]).toEqual([name, other, expect.any(Number)]);
        // A job that is started again after it ended well would never be complete.
        if (condition === 'service_completed_successfully') expect([name, other, named(other).restart]).toEqual([name, other, 'on-failure']);
      }
    }
  });

  it('check health by programs that the image has', () => {
    const checks = ours.flatMap(([, { healthcheck }]) => (healthcheck === undefined ? [] : [healthcheck.test]));
    expect(checks.length).toBeGreaterThan(1);
    for (const [kind, program, flag, script = ''] of checks) {
      expect([kind, program, flag]).toEqual(['CMD', '/opt/millrace/node_modules/.bin/node', '-e']);
      expect(() => new Script(script)).not.toThrow();
    }
  });

  it('mount only volumes that exist, at the folders that the image says', () => {
    const mounts = services.flatMap(([, { volumes }]) => volumes ?? []).map((mount) => mount.split(':'));
    expect(mounts.filter(([volume = '']) => !(volume in compose.volumes))).toEqual([]);
    const { MILLRACE_HOME: home, MILLRACE_BLOBS: blobs } = imageEnvironment(root);
    expect(named('gateway').volumes).toEqual([`home:${home}`, `blobs:${blobs?.replace('file://', '')}`]);
    expect(Object.keys(compose.volumes).sort()).toEqual([...new Set(mounts.map(([volume]) => volume))].sort());
  });

  it('are in networks that exist, and the proxies are not in the one of Temporal, which asks for no password', () => {
    for (const [name, service] of services) {
      const networks = service.network_mode === undefined ? (service.networks ?? []) : (named(service.network_mode.replace('service:', '')).networks ?? []);
      expect([name, networks.length > 0, networks.filter((network) => !(network in compose.networks))]).toEqual([name, true, []]);
      expect(networks.includes('engine') && name.startsWith('proxy')).toBe(false);
    }
    expect(named('temporal').networks).toEqual(['engine']);
  });

  it('publish the control API, the cache and the Temporal UI on loopback only', () => {
    expect(services.flatMap(([, { ports }]) => ports ?? []).sort()).toEqual(['127.0.0.1:8233:8080', '127.0.0.1:9977:9977', '127.0.0.1:9999:9999', '9988:9988']);
  });

  it('run the product without privileges, on a file system that cannot be written', () => {
    for (const [name, service] of ours) {
      expect([name, service.read_only, service.cap_drop, service.security_opt]).toEqual([name, true, ['ALL'], ['no-new-privileges:true']]);
    }
  });

  it('build the image once', () => {
    expect(ours.filter(([, { build }]) => build !== undefined).map(([name]) => name)).toEqual(['migrate']);
  });

  it('pin every image to a release', () => {
    const images = new Set(services.map(([, { image }]) => image ?? ''));
    expect([...images].filter((image) => !/^[a-z/-]+:(\d+(\.\d+){0,2}[a-z0-9.-]*|local)$/.test(image))).toEqual([]);
  });
});

describe('Dockerfile', () => {
  const stage = lastStage(root);

  it('runs as a user without a name and without rights', () => {
    expect([...stage.matchAll(/^USER (.+)$/gm)].map((match) => match[1])).toEqual(['1000:1000']);
  });

  it('takes into the image only what was built, never the checkout', () => {
    const copies = [...stage.matchAll(/^COPY (.+)$/gm)].map((match) => match[1] ?? '');
    expect(copies.length).toBeGreaterThan(3);
    expect(copies.filter((copy) => !/^--from=build \/build\/(package\.json|node_modules|dist|bin|LICENSE) \.\/[a-z_]*$/.test(copy))).toEqual([]);
    expect(read('Dockerfile')).not.toMatch(/^(ARG|ENV) .*(AUTH|PASSWORD|TOKEN|SECRET)/m);
  });

  it('keeps secrets out of the context of the build', () => {
    expect(read('.dockerignore').split('\n')).toEqual(expect.arrayContaining(['secrets', '.env', '.git', '.millrace', 'node_modules']));
  });
});

describe('docs/how-to/run-in-production.md', () => {
  const page = read('docs/how-to/run-in-production.md');

  it('makes every secret that the file wants', () => {
    const made = [...page.matchAll(/> (secrets\/[a-z-]+)$/gm)].map((match) => match[1]);
    expect(made.sort()).toEqual(
      Object.values(compose.secrets)
        .map(({ file }) => file)
        .sort(),
    );
  });

  it('names every volume and every service', () => {
    const words = new Set([...page.matchAll(/`([a-z0-9-]+)`/g)].map((match) => match[1]));
    expect([...Object.keys(compose.volumes), ...Object.keys(compose.services)].filter((name) => !words.has(name))).toEqual([]);
  });

  it('names health checks, checks and settings that are there', () => {
    expect(globSync('apps/gateway/health/health-controller.ts', { cwd: root }).length).toBe(1);
    const variables = [...page.matchAll(/`(MILLRACE_[A-Z_]+)/g)].map((match) => match[1] ?? '');
    expect(variables.length).toBeGreaterThan(5);
    expect(variables.filter((name) => !read('docs/reference/settings.md').includes(`\`${name}\``))).toEqual([]);
    expect(page).toContain('node dist/tests/production/prove-compose.js');
  });
});

it('interpolates as Compose does', () => {
  expect(interpolate('a$$b ${MILLRACE_PERMISSIVE:-0} $HOME')).toBe('a$b 0 $HOME');
});
