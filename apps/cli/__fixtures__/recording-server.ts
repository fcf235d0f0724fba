import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

export interface SeenRequest {
  /** `POST /v1/sessions` */
  readonly line: string;
  /** Parsed JSON; undefined where there was none, or a file. */
  readonly body: unknown;
  readonly header: IncomingMessage['headers'];
}

/** What the specs' services have in common: real HTTP on a free port, and what came in. */
export abstract class RecordingServer implements AsyncDisposable {
  readonly seen: SeenRequest[] = [];
  /** Called with each request. */
  onRequest: (line: string) => void = () => undefined;
  readonly #server: Server;

  protected constructor(private readonly credentials: string) {
    this.#server = createServer((request, response) => void this.#receive(request, response));
  }

  protected abstract answer(request: SeenRequest & { readonly text: string }, incoming: IncomingMessage, response: ServerResponse): Promise<void> | void;

  get address(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** `MILLRACE_SERVER` and credentials for this service. */
  get environment(): Record<string, string> {
    return { PATH: process.env.PATH ?? '', MILLRACE_SERVER: this.address, MILLRACE_CONTROL_AUTH: this.credentials };
  }

  get lines(): readonly string[] {
    return this.seen.map(({ line }) => line);
  }

  /** Breaks every connection, as a gateway does that is killed. */
  disconnect(): void {
    this.#server.closeAllConnections();
  }

  async listen(): Promise<this> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.disconnect();
    const closed = once(this.#server, 'close');
    this.#server.close();
    await closed;
  }

  protected isAllowed({ headers }: IncomingMessage): boolean {
    return headers.authorization === `Basic ${btoa(this.credentials)}`;
  }

  async #receive(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const sent = await text(incoming);
    const request = { line: `${incoming.method ?? ''} ${incoming.url ?? ''}`, header: incoming.headers, body: sent === '' || incoming.headers['content-type'] === 'application/octet-stream' ? undefined : (JSON.parse(sent) as unknown), text: sent };
    this.seen.push(request);
    await this.answer(request, incoming, response);
  }
}
