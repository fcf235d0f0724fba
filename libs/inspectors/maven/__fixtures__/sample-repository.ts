import { createHash } from 'node:crypto';
import type { Inspection } from '../../../inspection/inspection.js';
import type { InspectionContext } from '../../../inspection/inspector.js';
import type { ResponseInspectionResult } from '../../../inspection/response-inspection.js';
import { buildZip } from '../../__fixtures__/build-zip.js';
import { createContext, createRequest, inspect } from '../../__fixtures__/exchange.js';

export const repositoryUrl = 'https://repository.example/maven2';
export const maven = { 'user-agent': 'Apache-Maven/3.8.7 (Java 17.0.15; Linux 6.18)' };
export const gradle = { 'user-agent': 'Gradle/8.5 (Linux;6.18;amd64)' };
export const directory = '/test/millrace/sample/1.0';
export const stem = `${directory}/sample-1.0`;

export const sampleParent = `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>test.millrace</groupId><artifactId>parent</artifactId><version>7</version><packaging>pom</packaging>
<organization><name>Millrace</name></organization>
<licenses><license><name>The Apache Software License, Version 2.0</name></license></licenses></project>`;

export const samplePom = `<?xml version="1.0" encoding="UTF-8"?>
<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<parent><groupId>test.millrace</groupId><artifactId>parent</artifactId><version>7</version></parent>
<artifactId>sample</artifactId><version>1.0</version><description>A
  sample.</description>
<developers><developer><name>Ada Lovelace</name><email>ada@example.test</email></developer></developers></project>`;

export const sampleJar = buildZip([
  { name: 'META-INF/MANIFEST.MF', content: 'Manifest-Version: 1.0\r\n\r\n' },
  { name: 'test/Sample.txt', content: 'sample' },
]);

export function digest(algorithm: string, bytes: Buffer | string): string {
  return createHash(algorithm).update(bytes).digest('hex');
}

/** A repository in memory; `ask` takes a path through the inspectors, and `consult` of the context does the same. */
export interface SampleRepository {
  readonly files: Map<string, Buffer>;
  readonly context: InspectionContext;
  /** Paths that were consulted. */
  readonly consulted: readonly string[];
  ask(path: string, headers?: Readonly<Record<string, string>>): Promise<ResponseInspectionResult>;
  /** `<opinion>: <reason>` of one inspector. */
  opinion(path: string, inspector: string): Promise<string>;
}

export interface RepositoryOptions {
  /** The algorithms that every file has a checksum file of; SHA-1 unless told. */
  readonly sidecars?: readonly string[];
  /** False: the inspectors cannot consult. */
  readonly consult?: boolean;
  readonly configuration?: InspectionContext['configuration'];
}

export function createRepository(files: Readonly<Record<string, Buffer | string>>, options: RepositoryOptions = {}): SampleRepository {
  const all = new Map<string, Buffer>();
  for (const [path, content] of Object.entries(files)) {
    all.set(path, Buffer.from(content));
    for (const algorithm of options.sidecars ?? ['sha1']) all.set(`${path}.${algorithm}`, Buffer.from(digest(algorithm, content)));
  }
  const consulted: string[] = [];
  const ask = async (path: string, headers: Readonly<Record<string, string>> = maven): Promise<ResponseInspectionResult> => {
    const bytes = all.get(path);
    return inspect(createRequest(repositoryUrl + path, headers), { bytes: bytes ?? Buffer.from('not found'), status: bytes === undefined ? 404 : 200 }, context);
  };
  const context: InspectionContext = {
    ...createContext(),
    configuration: options.configuration ?? {},
    ...(options.consult === false
      ? {}
      : {
          consult: async (url: string) => {
            const path = new URL(url).pathname.slice('/maven2'.length);
            consulted.push(path);
            if (!all.has(path)) return 'unreachable';
            return (await ask(path)).verdict === 'Approved' ? 'approved' : 'refused';
          },
        }),
  };
  const opinion = async (path: string, inspector: string): Promise<string> => shown((await ask(path)).inspections[inspector]);
  return { files: all, context, consulted, ask, opinion };
}

export function shown(inspection: Inspection | undefined): string {
  return `${inspection?.opinion}: ${inspection?.reason}`;
}

/** The sample release, its parent and all. */
export function sampleFiles(): Record<string, Buffer | string> {
  return { '/test/millrace/parent/7/parent-7.pom': sampleParent, [`${stem}.pom`]: samplePom, [`${stem}.jar`]: sampleJar };
}
