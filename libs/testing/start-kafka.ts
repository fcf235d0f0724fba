import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Admin } from '@platformatic/kafka';
import { findTool } from '../../temporal/find-tool.js';
import { mavenProgram } from '../../temporal/tool-sources.js';
import { choosePort } from '../embedded/free-port.js';
import { serverProcess } from './server-process.js';

export interface TestKafka {
  /** `host:port` */
  readonly broker: string;
  /** kill -9. */
  kill(): Promise<void>;
  /** After `kill`: the same data and ports. */
  restart(): Promise<void>;
  /** Kills it and removes its data. */
  stop(): Promise<void>;
}

const version = '3.9.1';

/** One broker of Apache Kafka (KRaft, no ZooKeeper) in a scratch folder. Its jars are kept in the tool cache. */
export async function startKafka(): Promise<TestKafka> {
  const program = await findTool(
    {
      title: 'Kafka broker',
      setting: 'MILLRACE_TEST_KAFKA',
      command: 'millrace-test-kafka',
      cacheFile: path.join(`kafka-${version}`, 'millrace-test-kafka'),
      sources: [mavenProgram({ group: 'org.apache.kafka', artifact: 'kafka_2.13', version, mainClass: 'kafka.Kafka' })],
    },
    { environment: process.env },
  );
  const home = mkdtempSync(path.join(os.tmpdir(), 'millrace-kafka-'));
  const port = await choosePort('127.0.0.1');
  const file = path.join(home, 'server.properties');
  writeFileSync(file, configuration(home, port, await choosePort('127.0.0.1')));
  const classes = ['-cp', path.join(path.dirname(program), 'lib', '*')];
  execFileSync('java', [...classes, 'kafka.tools.StorageTool', 'format', '-t', 'MkU3OEVBNTcwNTJENDM2Qg', '-c', file], { stdio: 'ignore' });
  const broker = `127.0.0.1:${port}`;
  const server = serverProcess({
    name: 'Kafka',
    command: 'java',
    arguments: ['-Xmx256m', '-XX:TieredStopAtLevel=1', ...classes, 'kafka.Kafka', file],
    directory: home,
    log: path.join(home, 'broker.log'),
    answers: () => answers(broker),
  });

  async function stop(): Promise<void> {
    await server.kill();
    rmSync(home, { recursive: true, force: true, maxRetries: 5 });
  }

  try {
    await server.start();
  } catch (error) {
    await stop();
    throw error;
  }
  return { broker, kill: server.kill, restart: server.start, stop };
}

function configuration(home: string, port: number, controllerPort: number): string {
  return `process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:${controllerPort}
listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}
advertised.listeners=PLAINTEXT://127.0.0.1:${port}
controller.listener.names=CONTROLLER
log.dirs=${path.join(home, 'data')}
num.partitions=3
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
broker.session.timeout.ms=1500
broker.heartbeat.interval.ms=300
controller.quorum.election.timeout.ms=300
controller.quorum.fetch.timeout.ms=600
`;
}

async function answers(broker: string): Promise<boolean> {
  const admin = new Admin({ clientId: 'spec', bootstrapBrokers: [broker], retries: 0, connectTimeout: 1000, requestTimeout: 2000 });
  try {
    const metadata = await admin.metadata({});
    return metadata.brokers.size > 0;
  } catch {
    return false;
  } finally {
    await admin.close().catch(() => undefined);
  }
}
