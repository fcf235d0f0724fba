import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { imageEnvironment, interpolate, readCompose } from './compose-file.js';
import type { ComposeFile, ComposeService } from './compose-file.js';
import { StartedProcess, run, until } from './started-process.js';

export interface DeploymentPorts {
  readonly postgres: number;
  readonly temporal: number;
  readonly control: number;
  readonly proxy: number;
  readonly cache: number;
  readonly cacheMetrics: number;
}

export interface DeploymentOptions {
  /** The checkout. */
  readonly root: string;
  /** What the image has in /opt/millrace: the checkout too, or a folder that was made as the Dockerfile says. */
  readonly product: string;
  /** Empty folder for everything that is written. */
  readonly directory: string;
  readonly ports: DeploymentPorts;
  /** Schemas of the Temporal server, as the admin-tools image has them in /etc/temporal/schema. */
  readonly temporalSchemas: string;
  /** Put first in PATH: `temporal` and `temporal-sql-tool`. */
  readonly tools: string;
  readonly databaseUrl: string;
}

/** The services of docker-compose.yml as plain processes: its commands, settings and checks, with addresses and folders of this machine. */
export class Deployment {
  readonly compose: ComposeFile;
  readonly controlAuth = `millrace:${randomBytes(24).toString('hex')}`;
  readonly logs: string;
  /** Where the programs are. */
  readonly product: string;
  readonly #options: DeploymentOptions;
  readonly #replacements: readonly (readonly [from: RegExp, to: string])[];

  constructor(options: DeploymentOptions) {
    const { directory, ports, product, root } = options;
    this.#options = options;
    this.compose = readCompose(root);
    this.product = product;
    this.logs = path.join(directory, 'logs');
    this.#replacements = [
      [/\/run\/secrets\//g, `${directory}/secrets/`],
      [/\/var\/lib\/millrace\b/g, `${directory}/var`],
      [/\/opt\/millrace\b/g, product],
      [/\/etc\/temporal\/schema\b/g, options.temporalSchemas],
      [/"\$\(hostname -i\):7233"|\btemporal:7233\b/g, `127.0.0.1:${ports.temporal}`],
      [/\b127\.0\.0\.1:9999\b/g, `127.0.0.1:${ports.control}`],
      [/\bport: 9988\b/g, `port: ${ports.proxy}`],
      [/\b127\.0\.0\.1:9976\b/g, `127.0.0.1:${ports.cacheMetrics}`],
    ];
    this.#makeFolders();
  }

  service(name: string): ComposeService {
    const service = this.compose.services[name];
    if (service === undefined) throw new Error(`docker-compose.yml has no service ${name}`);
    return service;
  }

  /** The environment of a service as its container would have it. */
  environment(name: string): Record<string, string> {
    const { ports, tools, root } = this.#options;
    const service = this.service(name);
    const own = service.image === 'millrace:local' ? imageEnvironment(root) : {};
    const merged = Object.fromEntries(Object.entries({ ...own, ...service.environment }).map(([key, value]) => [key, this.#adapt(String(value))]));
    const here: Record<string, string> = { PATH: `${tools}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`, HOME: this.#options.directory };
    if (service.image === 'millrace:local') {
      // Containers listen on all of their addresses; this machine's are not all our own.
      Object.assign(here, {
        HOME: '/home/node',
        MILLRACE_HOST: 'localhost',
        MILLRACE_CONTROL_PORT: String(ports.control),
        MILLRACE_PROXY_PORT: String(ports.proxy),
        MILLRACE_CACHE_METRICS_PORT: String(ports.cacheMetrics),
        MILLRACE_CACHE_PORT: String(ports.cache),
      });
    }
    if (merged['MILLRACE_FORBIDDEN_PORTS'] !== undefined)
      here['MILLRACE_FORBIDDEN_PORTS'] = `${merged['MILLRACE_FORBIDDEN_PORTS']},${Object.values(ports).join(',')}`;
    if (merged['POSTGRES_SEEDS'] !== undefined) Object.assign(here, { POSTGRES_SEEDS: '127.0.0.1', DB_PORT: String(ports.postgres) });
    return { ...merged, ...here };
  }

  /** Starts a service that stays, without the tini of the image's ENTRYPOINT. `changes` are laid over its environment. */
  start(name: string, changes: Readonly<Record<string, string>> = {}, alias = name): StartedProcess {
    const { product } = this.#options;
    const command = [path.join(product, 'node_modules/.bin/node'), '--enable-source-maps', ...(this.service(name).command ?? [])];
    return new StartedProcess(
      { name: alias, command, environment: { ...this.environment(name), ...changes }, cwd: product, logs: this.logs },
      { unprivileged: true },
    );
  }

  /** Runs a service that ends (its entrypoint); rejects unless the exit code is 0. */
  async job(name: string): Promise<string> {
    const command = (this.service(name).entrypoint ?? []).map((word) => this.#adapt(word));
    const { code, stdout, stderr } = await run(command, { environment: this.environment(name), cwd: this.#options.product });
    if (code !== 0) throw new Error(`${name} ended with ${code}: ${stdout}${stderr}`);
    return stdout;
  }

  /** Waits until the health check that the file declares for the service succeeds; milliseconds that it took. */
  async healthy(name: string, changes: readonly (readonly [from: string, to: string])[] = []): Promise<number> {
    const started = performance.now();
    const [kind, ...rest] = this.service(name).healthcheck?.test ?? [];
    const words = (kind === 'CMD-SHELL' ? ['/bin/sh', '-c', ...rest] : rest).map((word) =>
      changes.reduce((text, [from, to]) => text.replaceAll(from, to), this.#adapt(word)),
    );
    if (words.length === 0) throw new Error(`${name} has no health check`);
    await until(`the health check of ${name}`, async () => (await run(words, { environment: this.environment(name), cwd: this.#options.product })).code === 0);
    return Math.round(performance.now() - started);
  }

  #adapt(text: string): string {
    return this.#replacements.reduce((result, [from, to]) => result.replaceAll(from, to), interpolate(text));
  }

  /** What the image and the volumes give: folders of the service's user, and files with the secrets. */
  #makeFolders(): void {
    const { directory, databaseUrl } = this.#options;
    for (const name of ['logs', 'secrets', 'var', 'var/home', 'var/blobs']) mkdirSync(path.join(directory, name), { mode: 0o755 });
    for (const name of ['var', 'var/home', 'var/blobs']) {
      if (process.getuid?.() === 0) chownSync(path.join(directory, name), 1000, 1000);
      chmodSync(path.join(directory, name), 0o700);
    }
    const secrets = { 'control-auth': this.controlAuth, 'database-url': databaseUrl, 'postgres-password': new URL(databaseUrl).password };
    for (const [name, value] of Object.entries(secrets)) writeFileSync(path.join(directory, 'secrets', name), value, { mode: 0o644 });
  }
}
