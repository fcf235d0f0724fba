import type { IncomingMessage, ServerResponse } from 'node:http';
import { rootCertificates } from 'node:tls';
import { RecordingServer, type SeenRequest } from './recording-server.js';

export const credentials = 'tester:secret';
export const sessionId = '0123456789abcdef0123456789abcdef';
export const token = 'aBcDeFgHiJkLmNoPqRsT';

export interface Answer {
  readonly status: number;
  readonly body: string;
  readonly type?: string;
}

const opened = '2026-03-20T10:00:00.000Z';
const links = { self: `/v1/sessions/${sessionId}`, workflow: 'http://127.0.0.1:8233/namespaces/default/workflows/session%3A0' };

/** A control API over real HTTP that holds one session and answers as docs/reference/control-api.md says. */
export class ControlService extends RecordingServer {
  readonly #answers = new Map<string, Answer>();
  state: 'none' | 'open' | 'revoked' | 'ended' = 'none';
  report: object = sampleReport('permissive', []);
  downloads: readonly object[] = [];

  static start(): Promise<ControlService> {
    return new ControlService(credentials).listen();
  }

  /** From now on this request is answered so. */
  answersWith(line: string, answer: Answer): void {
    this.#answers.set(line, answer);
  }

  problem(line: string, problem: { readonly status: number; readonly code: string; readonly detail: string; readonly suggestion?: string }): void {
    this.answersWith(line, { status: problem.status, type: 'application/problem+json', body: JSON.stringify(problem) });
  }

  protected override answer({ line }: SeenRequest, request: IncomingMessage, response: ServerResponse): void {
    const answer = this.isAllowed(request) ? (this.#answers.get(line) ?? this.#usual(line)) : json({ code: 'unauthorized', detail: 'Unauthorized' }, 401);
    response.writeHead(answer.status, { 'content-type': answer.type ?? 'application/json' }).end(answer.body);
    this.onRequest(line);
  }

  #usual(line: string): Answer {
    const session = `/v1/sessions/${sessionId}`;
    switch (line.replace(/\?.*/, '')) {
      case 'GET /status':
        return json({
          uptime: 12,
          'start-time': opened,
          'session-count': 3,
          'active-sessions': [{ 'session-id': sessionId, 'start-time': opened, policy: 'strict', age: 4, timeout: 60 }],
        });
      case 'POST /v1/sessions':
        this.state = 'open';
        return json(
          { id: sessionId, token, proxyUrl: `http://${sessionId}:${token}@127.0.0.1:9988`, policy: 'permissive', openedAt: opened, expiresAt: opened, links },
          201,
        );
      case 'GET /v1/sessions':
        return json({ items: this.state === 'none' ? [] : [this.#session()], nextCursor: null });
      case `GET ${session}`:
        return json(this.#session());
      case `GET ${session}/downloads`:
        return this.#downloadPage(line);
      case `GET ${session}/env`:
        return { status: 200, type: 'text/x-shellscript', body: `export https_proxy='http://proxy'\n` };
      case `POST ${session}/revoke`:
        this.state = 'revoked';
        return json({ id: sessionId, openedAt: opened, revokedAt: opened, links });
      case `GET ${session}/report`:
        if (this.state === 'open') return json({ code: 'session-token-active', detail: 'session token is active' }, 400);
        return json(this.report);
      case `DELETE ${session}`:
        this.state = 'ended';
        return { status: 204, body: '' };
      case 'GET /v1/ca.pem':
        return { status: 200, type: 'application/x-pem-file', body: authority };
      default:
        return json({ code: 'session-not-found', detail: 'no such session' }, 404);
    }
  }

  /** Two items a page, whatever was asked for. */
  #downloadPage(line: string): Answer {
    const start = Number(/cursor=(\d+)/.exec(line)?.[1] ?? 0);
    const next = start + 2 < this.downloads.length ? String(start + 2) : null;
    return json({ items: this.downloads.slice(start, start + 2), nextCursor: next });
  }

  #session(): object {
    const totals = { downloads: 2, refused: 1, failed: 0, bytes: 2048, violations: 1, position: 5 };
    return {
      id: sessionId,
      state: this.state,
      policy: 'strict',
      owner: 'tester',
      openedAt: opened,
      expiresAt: opened,
      revokedAt: null,
      endedAt: null,
      timeoutSeconds: 60,
      retain: false,
      totals,
      links,
    };
  }
}

function json(value: object, status = 200): Answer {
  return { status, body: JSON.stringify(value), ...(status >= 400 ? { type: 'application/problem+json' } : {}) };
}

const inspection = (opinion: string, reason: string): object => ({ opinion, reason });

export interface SampleArtefact {
  readonly name: string;
  readonly version?: string;
  readonly url?: string;
  readonly result?: 'Approved' | 'Rejected';
  readonly start?: string;
  readonly status?: number;
}

/** A report as fetch-service's schema has it. */
export function sampleReport(policy: 'strict' | 'permissive', artefacts: readonly SampleArtefact[]): object {
  return {
    generator: 'millrace 0.1.0',
    'session-id': sessionId,
    'start-time': opened,
    'end-time': opened,
    inspectors: ['default'],
    'spool-path': '',
    policy,
    artifacts: artefacts.map(sampleArtefact),
  };
}

function sampleArtefact(artefact: SampleArtefact): object {
  const approved = artefact.result !== 'Rejected';
  return {
    'artifact-metadata-version': '0.2',
    'request-inspection': { npm: inspection('Pending', 'a tarball of the registry') },
    'response-inspection': approved
      ? { npm: inspection('Approved', 'listed') }
      : { npm: inspection('Rejected', 'its digest is not the declared one'), default: inspection('Unknown', 'unknown format') },
    result: artefact.result ?? 'Approved',
    metadata: {
      type: 'application/x.npm.tarball',
      sha1: '0'.repeat(40),
      sha256: 'ab'.repeat(32),
      size: 1536,
      name: artefact.name,
      version: artefact.version ?? '',
      vendor: '',
      description: '',
      author: '',
      license: '',
    },
    downloads: [
      {
        'start-time': artefact.start ?? opened,
        url: artefact.url ?? 'https://registry.test:443/thing/-/thing-1.0.0.tgz',
        'status-code': artefact.status ?? 200,
      },
    ],
  };
}

export function sampleDownload(position: number, kind: 'downloaded' | 'refused' | 'failed'): object {
  return {
    position,
    kind,
    startedAt: opened,
    endedAt: opened,
    method: 'GET',
    url: `http://registry.test/${position}`,
    status: kind === 'failed' ? null : 200,
    sha256: null,
    size: 0,
    type: '',
    name: '',
    version: '',
    verdict: null,
    reason: kind === 'downloaded' ? '' : `${kind} for a reason`,
  };
}

/** Any certificate does; nothing is signed with it. */
const authority = rootCertificates[0] ?? '';
