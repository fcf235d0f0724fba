import { randomBytes } from 'node:crypto';
import { mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { choosePort } from '../../libs/embedded/free-port.js';
import { openCertificateAuthority } from '../../libs/proxy/tls/certificate-authority.js';
import { findOnPath } from '../../temporal/tool-cache.js';
import { runProgram } from '../run-program.js';
import { scenarios } from '../scenarios.js';
import { nginxConfiguration } from './nginx-configuration.js';

export interface Origin {
  /** `https://127.0.0.1:port` */
  readonly address: string;
  readonly port: number;
  /** What answers: `nginx` or `node`. */
  readonly kind: 'nginx' | 'node';
  /** PEM files: the authority that the origin's certificate is signed by, and its own certificate and key. */
  readonly authorityFile: string;
  readonly authorityKeyFile: string;
  readonly certificateFile: string;
  readonly keyFile: string;
  stop(): Promise<void>;
}

/** A loopback HTTPS server that answers every scenario's path; nginx where the machine has it, because it takes least from the proxies. */
export async function startOrigin(folder: string, signal: AbortSignal): Promise<Origin> {
  const files = path.join(folder, 'files');
  mkdirSync(files, { recursive: true });
  for (const { path: name, bodyBytes } of scenarios) writeBody(path.join(files, name), bodyBytes);
  const authority = openCertificateAuthority({ home: folder });
  const leaf = authority.issue('127.0.0.1');
  const [certificateFile, keyFile] = [path.join(folder, 'origin.pem'), path.join(folder, 'origin.key.pem')];
  writeFileSync(certificateFile, `${leaf.certificatePem}\n${authority.certificatePem}`);
  writeFileSync(keyFile, leaf.keyPem, { mode: 0o600 });
  const port = await choosePort('127.0.0.1');
  const nginx = findOnPath('nginx', { PATH: `${process.env['PATH'] ?? ''}:/usr/sbin` });
  const configuration = path.join(folder, 'nginx.conf');
  writeFileSync(configuration, nginxConfiguration({ folder, files, port, certificateFile, keyFile }));
  const program = await runProgram({
    ...(nginx === undefined
      ? { command: process.execPath, args: [fileURLToPath(new URL('node-origin.js', import.meta.url)), String(port), files, certificateFile, keyFile] }
      : { command: nginx, args: ['-p', folder, '-e', 'stderr', '-c', configuration] }),
    port,
    logFile: path.join(folder, 'origin.log'),
    signal,
  });
  return {
    address: `https://127.0.0.1:${port}`,
    port,
    kind: nginx === undefined ? 'node' : 'nginx',
    authorityFile: authority.certificateFile,
    authorityKeyFile: path.join(path.dirname(authority.certificateFile), 'ca.key.pem'),
    certificateFile,
    keyFile,
    stop: () => program.stop(),
  };
}

/** Random at the start, so that nothing on the way compresses or recognises it; large ones end in a hole, which costs no disk. */
function writeBody(file: string, size: number): void {
  writeFileSync(file, randomBytes(Math.min(size, 1024 * 1024)));
  truncateSync(file, size);
}
