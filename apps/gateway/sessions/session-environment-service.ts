import { Inject, Injectable } from '@nestjs/common';
import { MillraceError } from '../../../libs/errors/millrace-error.js';
import { isSessionId } from '../../../libs/session/session-id.js';
import type { Settings } from '../../../libs/settings/settings.js';
import type { BuildEnvironment, SessionReads } from '../gateway-ports.js';
import { BUILD_ENVIRONMENT, READS, SETTINGS } from '../gateway-tokens.js';
import { validate } from '../http/parse-json-body.js';
import { proxyUrl } from './proxy-url.js';
import { environmentQuery } from './session-schemas.js';

export interface EnvironmentRequest {
  readonly query: unknown;
  /** Header `Millrace-Session-Token`. */
  readonly token: string | readonly string[] | undefined;
  readonly requestHost: string;
}

@Injectable()
export class SessionEnvironmentService {
  constructor(
    @Inject(SETTINGS) private readonly settings: Settings,
    @Inject(READS) private readonly reads: SessionReads,
    @Inject(BUILD_ENVIRONMENT) private readonly environment: BuildEnvironment,
  ) {}

  /** Unknown session and wrong token are told alike: without the token there is nothing to learn here. */
  async snippet(id: string, request: EnvironmentRequest): Promise<{ readonly text: string; readonly mediaType: string }> {
    const { shell, 'ca-file': caFile } = validate(environmentQuery, request.query);
    const token = request.token;
    if (typeof token !== 'string' || !isSessionId(id) || (await this.reads.tokenMatches(id, token)) !== true) {
      throw new MillraceError('unauthorized', 'the session token is missing or wrong', { suggestion: 'Send the token of this session in the header Millrace-Session-Token.' });
    }
    const session = await this.reads.find(id);
    if (session?.state !== 'open') throw new MillraceError('session-closed', 'the session takes no more traffic', { suggestion: 'Open another session.' });
    const text = await this.environment.snippet(shell, { proxyUrl: proxyUrl(this.settings, { id, token }, request.requestHost), ...(caFile === undefined ? {} : { caFile }) });
    return { text, mediaType: shell === 'json' ? 'application/json' : 'text/plain; charset=utf-8' };
  }
}
