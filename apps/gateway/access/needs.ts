import { SetMetadata } from '@nestjs/common';
import type { CustomDecorator } from '@nestjs/common';
import type { PublicRead } from '../../../libs/access/authorization/authorization-schema.js';
import type { ComposeScope } from '../../../libs/access/authorization/role-decisions.js';
import type { Capability, Role } from '../../../libs/access/principal.js';

export const needKey = 'millrace:need';

/** What a route asks of its callers. */
export interface Need {
  readonly capability: Capability;
  /** `login`: to say who they are; what they may do depends on the thing that they ask for. */
  readonly role: Role | 'login';
  /** What a token, where there is one, must have been given for. */
  readonly scope?: ComposeScope;
  /** Nobody need say who they are while the service is set so. */
  readonly whilePublic?: PublicRead;
  /** Whether callers may be unknown, where the service lets them: others' routes are never for them. */
  readonly unknownCallers?: boolean;
}

export const nobodysNeed = 'nothing';

/** Of a route or a controller. One that says nothing is for admins of the service. */
export function Needs(capability: Capability, role: Need['role'], more: Omit<Need, 'capability' | 'role'> = {}): CustomDecorator {
  return SetMetadata(needKey, { capability, role, ...more } satisfies Need);
}

/** For everybody, or for whoever has what the route itself asks for: a token, a signature. */
export function Public(): CustomDecorator {
  return SetMetadata(needKey, nobodysNeed);
}
