import { parseArgs } from 'node:util';
import { errorMessage } from '../../libs/errors/error-message.js';
import { MillraceError } from '../../libs/errors/millrace-error.js';

/** The command line of Canonical's daemon. */
export interface DaemonOptions {
  readonly controlPort: number;
  readonly proxyPort: number;
  readonly config: string | undefined;
  readonly spool: string | undefined;
  readonly verbosity: string;
  readonly permissive: boolean;
  readonly certificate: string | undefined;
  readonly key: string | undefined;
  /** Seconds; 0 = never. */
  readonly idleShutdown: number;
  readonly logFile: string | undefined;
  readonly securityLogFile: string | undefined;
  readonly version: boolean;
}

const text = { type: 'string' } as const;
const flag = { type: 'boolean' } as const;

const flags = {
  'control-port': text,
  'proxy-port': { type: 'string', short: 'p' },
  config: text,
  spool: text,
  verbosity: text,
  'permissive-mode': flag,
  cert: text,
  key: text,
  'idle-shutdown': text,
  'log-file': text,
  'security-log-file': text,
  profile: flag,
  'profile-port': text,
  version: flag,
} as const;

/** Takes `--flag=value` and `--flag value`. Rejects what fetch-service does not know, as it does: `invalid-setting`. */
export function parseDaemonOptions(args: readonly string[]): DaemonOptions {
  const { values } = parse(args.flatMap(withoutBooleanValue));
  if ((values.cert === undefined) !== (values.key === undefined)) throw new MillraceError('invalid-setting', '--cert and --key go together');
  return {
    controlPort: whole('control-port', values['control-port'] ?? '9999', 65535),
    proxyPort: whole('proxy-port', values['proxy-port'] ?? '9988', 65535),
    config: values.config,
    spool: values.spool,
    verbosity: values.verbosity ?? 'info',
    permissive: values['permissive-mode'] ?? false,
    certificate: values.cert,
    key: values.key,
    idleShutdown: whole('idle-shutdown', values['idle-shutdown'] ?? '0', 10 * 365 * 86_400),
    logFile: values['log-file'],
    securityLogFile: values['security-log-file'],
    version: values.version ?? false,
  };
}

function parse(args: string[]): ReturnType<typeof parseArgs<{ options: typeof flags }>> {
  try {
    return parseArgs({ args, options: flags, strict: true, allowPositionals: false });
  } catch (cause) {
    throw new MillraceError('invalid-setting', errorMessage(cause), { cause });
  }
}

/** Go's flag parser takes `--permissive-mode=true`; Node's does not. */
function withoutBooleanValue(argument: string): readonly string[] {
  const match = /^(--(?:permissive-mode|profile|version))=(true|false)$/.exec(argument);
  if (match === null) return [argument];
  return match[2] === 'true' && match[1] !== undefined ? [match[1]] : [];
}

function whole(name: string, value: string, maximum: number): number {
  if (!/^\d{1,10}$/.test(value) || Number(value) > maximum) throw new MillraceError('invalid-setting', `--${name}: ${value} is not a whole number from 0 to ${maximum}`);
  return Number(value);
}
