import { Inject, Injectable } from '@nestjs/common';
import { accessSettingsFile } from '../../../libs/access/access-settings.js';
import { createAuthorization } from '../../../libs/access/authorization/authorization.js';
import type { Authorization } from '../../../libs/access/authorization/authorization.js';
import { refusalText } from '../../../libs/access/authorization/compose-decisions.js';
import type { Quota } from '../../../libs/access/authorization/quota.js';
import type { Principal } from '../../../libs/access/principal.js';
import { MillraceError, isMillraceError } from '../../../libs/errors/millrace-error.js';
import { parseSettingsFile } from '../../../libs/settings-file/read-settings-file.js';
import type { Settings } from '../../../libs/settings/settings.js';
import type { ComposeDependencies } from '../gateway-ports.js';
import { ACCESS, COMPOSES, SETTINGS } from '../gateway-tokens.js';
import { validate } from '../http/parse-json-body.js';
import { timeToLiveOf } from '../../../libs/pungi/raw-config-limits.js';
import { readNewCompose } from '../../../libs/compose/request-body/read-new-compose.js';
import { explainRequest } from './access-schemas.js';
import type { AccessExplanationView, WhoAmI } from './access-schemas.js';
import type { Access } from './open-access.js';

/** Tells callers who they are here, and operators what would be decided of others. */
@Injectable()
export class AccessService {
  constructor(
    @Inject(ACCESS) private readonly access: Access,
    @Inject(SETTINGS) private readonly settings: Settings,
    @Inject(COMPOSES) private readonly composes: ComposeDependencies,
  ) {}

  async whoAmI(caller: Principal): Promise<WhoAmI> {
    const { authorization } = this.access;
    const { name, groups, by, scopes } = caller;
    return { name, groups: [...groups], by, scopes: scopes === undefined ? null : [...scopes], roles: rolesView(authorization, caller), quota: quotaView(authorization.quotaOf(caller)), use: await this.composes.reads.use(name) };
  }

  /** Nothing is made, and nobody has to log in as the user in question. Errors: `invalid-request`. */
  async explain(body: unknown): Promise<AccessExplanationView> {
    const { user, groups, request, document } = validate(explainRequest, body);
    const authorization = document === undefined ? this.access.authorization : authorizationOf(document);
    const principal: Principal = { name: user, groups, by: 'front-end', scopes: undefined };
    const { client, attributes, quota } = authorization.explain(principal, readNewCompose(request, { ...this.settings, livesOf: (asked) => timeToLiveOf(asked, this.settings) }));
    const allowed = client !== undefined && attributes.allowed;
    return {
      allowed,
      reason: allowed ? null : client === undefined ? `User ${user} is not in role allowed_clients.` : refusalText(user, attributes.entries),
      client: client ?? null,
      entries: attributes.entries.map(({ entry, refusals }) => ({ entry, refusals: refusals.map((refusal) => ({ ...refusal })) })),
      roles: rolesView(authorization, principal),
      quota: quotaView(quota),
      use: await this.composes.reads.use(user),
    };
  }
}

function rolesView(authorization: Authorization, principal: Principal): WhoAmI['roles'] {
  return Object.fromEntries(Object.entries(authorization.rolesOf(principal)).map(([capability, held]) => [capability, [...held]]));
}

function quotaView({ composes, bytes, secondsToLive }: Quota): WhoAmI['quota'] {
  return { composes: composes ?? null, bytes: bytes ?? null, secondsToLive: secondsToLive ?? null };
}

function authorizationOf(document: string): Authorization {
  try {
    return createAuthorization(parseSettingsFile(document, 'the document', accessSettingsFile).authorization);
  } catch (error) {
    if (!isMillraceError(error) || error.code !== 'invalid-setting') throw error;
    throw new MillraceError('invalid-request', error.message, { cause: error, ...(error.suggestion === undefined ? {} : { suggestion: error.suggestion }) });
  }
}
