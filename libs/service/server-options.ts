import type { MillraceError } from '../errors/millrace-error.js';
import type { ProcessDefinition } from '../embedded/supervised-process.js';
import type { Environment } from '../settings/settings.js';

export interface ServerOptions {
  /** The settings, as docs/reference/settings.md names them. */
  readonly environment: Environment;
  /** The workflow engine, for when no address of another is set: `embeddedTemporal`. A library does not know it by itself. */
  readonly temporal: TemporalLauncher;
  /** One line for each step that takes time. */
  readonly onProgress?: (message: string) => void;
  /** Whether there is an artifact cache. Default: there is. */
  readonly cache?: boolean;
  /** Whether sessions can be recorded. Default: they can. */
  readonly proxy?: boolean;
  /** Aborting it while the server starts ends what was started and rejects. */
  readonly signal?: AbortSignal;
  /** Compiled programs to run instead of `dist/apps/<name>/main.js`; for tests. */
  readonly programs?: Partial<Record<ProgramName, string>>;
}

export interface TemporalRequest {
  readonly environment: Environment;
  readonly onProgress: (message: string) => void;
  readonly signal: AbortSignal;
  /** MILLRACE_HOME: its data go there. */
  readonly home: string;
  readonly namespace: string;
  /** Both on 127.0.0.1. */
  readonly port: number;
  readonly uiPort: number;
}

/** Finds or makes the server, which may take minutes, and says how to run it. Rejects with `tool-not-found`. */
export type TemporalLauncher = (request: TemporalRequest) => Promise<Omit<ProcessDefinition, 'logDirectory'>>;

export type ProgramName = 'migrate' | 'worker' | 'gateway' | 'proxy' | 'cache';

/** One line of `addresses.json`. */
export interface ServerAddresses {
  readonly control: string;
  /** Empty where none is wanted. */
  readonly proxy: string;
  /** `grpc://…`, or `grpcs://…` where it has a certificate; absent where there is none. */
  readonly cache?: string;
  /** `ssh://…`, where OSTree artifacts are pushed. */
  readonly cacheSsh?: string;
  /** `host:port`. */
  readonly temporal: string;
  readonly temporalUi?: string;
}

export interface ServerProcess {
  /** `postgres`, `temporal`, `worker`, `gateway`, `cache`, `proxy-1` … */
  readonly name: string;
  /** Undefined while it is being started again. */
  readonly pid: number | undefined;
  readonly logFile: string;
}

export interface StopOptions {
  /**
   * End everything at once, also when the machine is busy: by SIGKILL, and PostgreSQL in its immediate mode (what was committed stays;
   * it recovers at the next start).
   */
  readonly immediately?: boolean;
}

export interface RunningServer {
  readonly addresses: ServerAddresses;
  /** `user:password` of the control API. */
  readonly controlAuth: string;
  readonly home: string;
  /** `postgresql://…`, password included: never log it. */
  readonly databaseUrl: string;
  processes(): readonly ServerProcess[];
  /** Resolves (never rejects) with the reason when a process keeps failing; the caller then stops the server. */
  readonly failed: Promise<MillraceError>;
  /** Ends every process in order and removes `addresses.json`. Calling it again, with less patience, is allowed. */
  stop(options?: StopOptions): Promise<void>;
}
