import { fork, type ChildProcess } from 'node:child_process';
import { access } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { MillraceError } from '../../../errors/millrace-error.js';
import type { Environment } from '../../../settings/settings.js';
import type { AcceptorMessage } from './acceptor-messages.js';
import type { KerberosSettings } from './kerberos-schema.js';

export interface AcceptedToken {
  /** `user@REALM` */
  readonly name: string;
  /** `HTTP/host@REALM` */
  readonly service: string;
  /** Base64, for the caller. */
  readonly reply: string | undefined;
}

export interface Acceptor {
  /** Errors: `Refused` with GSSAPI's words; `Unanswered`. */
  accept(token: string): Promise<AcceptedToken>;
  close(): Promise<void>;
}

export class Refused extends Error {}
/** The process has not answered in time, or ended. */
export class Unanswered extends Error {}

export interface AcceptorOptions {
  readonly environment: Environment;
  /** Program of the process; specs pass others. */
  readonly entry?: string;
  /** Of one token, in milliseconds. */
  readonly answerTime?: number;
}

interface Waiting {
  resolve(accepted: AcceptedToken): void;
  reject(error: Error): void;
}

const waitingLimit = 200;
const howToBuild = 'Install the headers of Kerberos (Debian: apt-get install g++ libkrb5-dev) and run: node scripts/build-kerberos.mjs. docs/how-to/log-in-with-kerberos.md says more.';

/** Starts the process that accepts tokens, and starts it again when it has ended. Errors: `invalid-setting`. */
export async function openAcceptor(settings: KerberosSettings, { environment, entry = besideThis('acceptor-process'), answerTime = 5000 }: AcceptorOptions): Promise<Acceptor> {
  const module = await usableModule(settings);
  await access(settings['keytab-file']).catch((cause: unknown) => {
    throw new MillraceError('invalid-setting', `the keytab ${settings['keytab-file']} cannot be read`, { cause, suggestion: 'Let kadmin write it, and the user of the gateway read it; docs/how-to/log-in-with-kerberos.md says how.' });
  });
  const waiting = new Map<number, Waiting>();
  let lastId = 0;
  let child: Promise<ChildProcess> | undefined;

  function receive(message: AcceptorMessage): void {
    if (!('id' in message)) return;
    const who = waiting.get(message.id);
    waiting.delete(message.id);
    if ('refused' in message) who?.reject(new Refused(message.refused));
    else who?.resolve({ name: message.name, service: message.service, reply: message.reply ?? undefined });
  }

  function start(): Promise<ChildProcess> {
    const started = (child = startProcess(entry, module, acceptorEnvironment(settings, environment)));
    const over = (): void => {
      if (child === started) child = undefined;
      for (const [id, who] of [...waiting]) {
        waiting.delete(id);
        who.reject(new Unanswered('the process that accepts tickets has ended'));
      }
    };
    started.then((process) => process.on('message', receive).once('exit', over), over);
    return started;
  }

  await start();
  return {
    async accept(token) {
      if (waiting.size >= waitingLimit) throw new Unanswered(`${waitingLimit} tickets wait already`);
      const running = await (child ?? start());
      const id = (lastId += 1);
      const { promise, resolve, reject } = Promise.withResolvers<AcceptedToken>();
      waiting.set(id, { resolve, reject });
      // What hangs in native code is ended with its process only, and those who wait with it.
      const late = setTimeout(() => running.kill('SIGKILL'), answerTime);
      running.send({ id, token }, (error) => {
        if (error !== null) reject(new Unanswered(error.message));
      });
      return promise.finally(() => {
        clearTimeout(late);
        waiting.delete(id);
      });
    },
    async close() {
      const running = await child?.catch(() => undefined);
      if (running === undefined || running.exitCode !== null || running.signalCode !== null) return;
      const gone = new Promise((resolve) => running.once('exit', resolve));
      running.kill('SIGKILL');
      await gone;
    },
  };
}

async function startProcess(entry: string, module: string, environment: NodeJS.ProcessEnv): Promise<ChildProcess> {
  const child = fork(entry, [module], { env: environment, execArgv: [], stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
  const first = await new Promise<AcceptorMessage>((resolve) => {
    child.once('message', (message) => resolve(message as AcceptorMessage));
    child.once('error', ({ message }) => resolve({ unusable: message }));
    child.once('exit', (code, signal) => resolve({ unusable: `it ended (${signal ?? code})` }));
  });
  if (!('unusable' in first)) return child;
  child.kill('SIGKILL');
  throw new MillraceError('invalid-setting', `authentication.kerberos: the native module ${module} cannot be loaded: ${first.unusable.slice(0, 300)}`, { suggestion: howToBuild });
}

/** Built or not: Node runs the source as it is. */
function besideThis(name: string): string {
  return path.join(import.meta.dirname, `${name}${path.extname(import.meta.filename)}`);
}

async function usableModule(settings: KerberosSettings): Promise<string> {
  const module = settings['module-file'] ?? path.join(path.dirname(createRequire(import.meta.url).resolve('kerberos/package.json')), 'build/Release/kerberos.node');
  await access(module).catch((cause: unknown) => {
    throw new MillraceError('invalid-setting', `authentication.kerberos needs the native module of the package kerberos, which is not built: ${module} is not there`, { cause, suggestion: howToBuild });
  });
  return module;
}

/** Mechanisms that other packages of the system have added, as NTLM, are left out: Kerberos is meant. */
function acceptorEnvironment(settings: KerberosSettings, environment: Environment): NodeJS.ProcessEnv {
  const inherited = Object.entries(environment).filter(([name]) => /^(?:KRB5|PATH$|TMPDIR$|LANG$|TZ$)/.test(name));
  const configuration = settings['configuration-file'];
  return { ...Object.fromEntries(inherited), KRB5_KTNAME: `FILE:${settings['keytab-file']}`, GSS_MECH_CONFIG: '/dev/null', ...(configuration === undefined ? {} : { KRB5_CONFIG: configuration }) };
}
