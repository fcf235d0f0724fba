import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { prepareEmbeddedPostgres } from '../../libs/embedded/embedded-postgres.js';
import { SupervisedProcess } from '../../libs/embedded/supervised-process.js';
import { findTemporalServer } from '../../temporal/find-server.js';
import { projectRoot } from '../../libs/embedded/project-root.js';
import { Deployment } from './deployment.js';
import type { DeploymentPorts } from './deployment.js';
import { buildProductionTemporal, startProductionTemporal } from './production-temporal.js';
import { proveService } from './prove-service.js';
import { ProofReport } from './proof-report.js';
import type { StartedProcess } from './started-process.js';

/**
 * `node dist/tests/production/prove-compose.js [first port] [folder]`: docker-compose.yml without Docker. Everything that the file
 * describes runs as plain processes with the settings, commands and health checks that stand there, against a Temporal
 * server built for production on PostgreSQL; then the deployment is put to work. The programs
 * are those of the folder, where one is named that was made as the Dockerfile says. Exit code 0: every step held.
 */
const root = projectRoot();
const first = Number(process.argv[2] ?? 26_100);
const product = path.resolve(process.argv[3] ?? root);
/** Temporal takes nine ports from its first one. */
const ports: DeploymentPorts = { postgres: first, control: first + 1, proxy: first + 3, cache: first + 4, cacheMetrics: first + 5, temporal: first + 10 };

async function main(): Promise<boolean> {
  const report = new ProofReport();
  const directory = mkdtempSync(path.join(os.tmpdir(), 'millrace-production-'));
  chmodSync(directory, 0o711); // PostgreSQL and the image's user run below it
  const running: StartedProcess[] = [];
  const say = (line: string): void => report.note(line);
  let postgres: SupervisedProcess | undefined;
  try {
    const command = await findTemporalServer({ environment: process.env, onProgress: say });
    const temporal = await buildProductionTemporal({ environment: process.env, command, tools: path.join(directory, 'tools'), onProgress: say });
    const data = path.join(directory, 'data');
    mkdirSync(data);
    const prepared = await prepareEmbeddedPostgres({ home: data, port: ports.postgres, onProgress: say });
    postgres = new SupervisedProcess(
      { ...prepared.definition, logDirectory: data },
      { onPid: () => undefined, onProgress: say, onGivenUp: (error) => say(error.message) },
    );
    await postgres.start();
    const deployment = new Deployment({ root, product, directory, ports, temporalSchemas: temporal.schemas, tools: temporal.tools, databaseUrl: prepared.url });

    await report.step('temporal-schema sets up both databases', () => deployment.job('temporal-schema'));
    await report.step('temporal-schema again does nothing', () => deployment.job('temporal-schema'));
    const engine = startProductionTemporal({
      server: temporal.server,
      directory,
      logs: deployment.logs,
      port: ports.temporal,
      environment: deployment.environment('temporal'),
      password: new URL(prepared.url).password,
    });
    running.push(engine);
    await report.step('temporal is healthy', async () => `after ${await deployment.healthy('temporal')} ms`);
    await report.step('temporal-namespace makes the namespace', () => deployment.job('temporal-namespace'));
    await report.step('temporal-namespace again does nothing', () => deployment.job('temporal-namespace'));
    await report.step('migrate', () => deployment.job('migrate'));
    await report.step('migrate again does nothing', async () => {
      const said = await deployment.job('migrate');
      if (!said.includes('up to date')) throw new Error(said);
    });
    await proveService({ deployment, directory, ports, report, running, engine });
    await report.step('every process ends on SIGTERM', async () => {
      const ends = await Promise.all(running.filter((each) => each !== engine).map(async (each) => ({ name: each.name, ...(await each.stop()) })));
      const late = ends.filter(({ end }) => end !== 0);
      if (late.length > 0) throw new Error(JSON.stringify(late));
      return ends.map(({ name, milliseconds }) => `${name} ${milliseconds} ms`).join(', ');
    });
  } catch (error) {
    report.failed(error);
    for (const each of running) say(`--- ${each.name}\n${lastLines(each.log())}`);
  } finally {
    await Promise.all(running.map((each) => each.stop()));
    await postgres?.stop(5000, 'SIGQUIT');
    rmSync(directory, { recursive: true, force: true });
  }
  return report.end();
}

function lastLines(text: string): string {
  return text
    .trimEnd()
    .split('\n')
    .slice(-15)
    .map((line) => line.slice(0, 400))
    .join('\n');
}

process.exitCode = (await main()) ? 0 : 1;
