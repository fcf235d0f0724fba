import licences from 'spdx-license-list';
import { z } from 'zod';
import { didYouMean } from './did-you-mean.js';
import { isUsableGlob } from './glob.js';

/** The form in which people write a policy document; docs/reference/policy.schema.json is made from it. */

const maximumRules = 10_000;
const glob = (description: string) => z.string().max(2048).refine(isUsableGlob, 'is no usable glob: 1 to 2048 characters, at most 64 wildcards').describe(description);
const urlGlob = glob('Glob on the URL (`https://host/path?query`, port only where it is not the scheme’s own); `*` does not cross `/`, `**` does.');
const hostGlob = glob('Glob on the host, or on `host:port`.');
const purlGlob = glob('Glob on the package URL (`pkg:npm/name@version`); without `@version` every version.').refine((value) => value.startsWith('pkg:') || value.startsWith('*'), 'must start with pkg:');
const ecosystem = z.string().regex(/^[a-z][a-z0-9-]{0,63}$/, 'must be the name of an ecosystem: lower-case letters, digits, hyphens').describe('Part of an inspector’s id before the dot: `npm`, `pip`, `cargo`.');
const reason = z.string().min(1).max(1000).describe('Told to the build when the rule refuses.');
const hex = (digits: number) => z.string('must be text: put it in quotes').regex(new RegExp(`^[0-9a-fA-F]{${digits}}$`), `must be ${digits} hex digits`);
const dateTime = z.iso.datetime({ offset: true, error: 'must be a date and time of RFC 3339, such as 2026-01-31T00:00:00Z' });

const licenceIds = Object.keys(licences);
const licence = z.string().max(256).superRefine((value, context) => {
  if (Object.hasOwn(licences, value) || /^(?:DocumentRef-[A-Za-z0-9.-]+:)?LicenseRef-[A-Za-z0-9.-]+$/.test(value)) return;
  const meant = didYouMean(value, licenceIds);
  context.addIssue({ code: 'custom', message: `is no SPDX licence id${meant === undefined ? '' : `: did you mean ${JSON.stringify(meant)}?`}` });
}).describe('SPDX licence id.');

const rule = z
  .strictObject({ ecosystem: ecosystem.optional(), host: hostGlob.optional(), url: urlGlob.optional(), purl: purlGlob.optional(), licence: z.union([licence, z.array(licence).min(1).max(1000)]).optional(), reason: reason.optional() })
  .refine(({ reason: _, ...conditions }) => Object.values(conditions).some((value) => value !== undefined), 'a rule needs at least one of ecosystem, host, url, purl, licence')
  .meta({ id: 'PolicyRule', description: 'Every field that is there has to match.' });

const pin = z
  .strictObject({ sha256: hex(64).optional(), sha512: hex(128).optional(), sha1: hex(40).optional(), url: urlGlob.optional(), name: z.string().min(1).max(256).optional() })
  .refine(({ sha256, sha512, sha1 }) => [sha256, sha512, sha1].filter((digest) => digest !== undefined).length === 1, 'a pin needs exactly one of sha256, sha512, sha1')
  .meta({ id: 'PolicyPin', description: 'An artefact with this digest is approved; with `url`, any other that comes from there is rejected.' });

const origin = z.string().min(1).max(2048).refine(isOrigin, 'must be a host (glob), or an http(s) URL without credentials, query and fragment').describe('Host (glob) or URL prefix.');

const cooldown = z.strictObject({
  days: z.number('must be a number of days').min(0, 'must be 0 days or more').max(36_500, 'must be at most 36500 days').describe('Releases that were younger when the session was opened are refused.'),
  ecosystems: z.array(ecosystem).max(100).optional().describe('Unless told: npm, pip, go, cargo.'),
  except: z.array(purlGlob).max(maximumRules).optional(),
});

const asOf = z.union([dateTime, z.strictObject({ at: dateTime, ecosystems: z.array(ecosystem).max(100).optional() })], {
  error: 'must be a date and time of RFC 3339, such as 2026-01-31T00:00:00Z, or an object with `at` and `ecosystems`',
});

const requiredSignature = z.strictObject({ ecosystem, host: hostGlob.optional(), keys: z.array(z.string().regex(/^[\x21-\x7e]{1,256}$/, 'must be a fingerprint without spaces')).min(1).max(1000).optional() });

export const policySchema = z
  .strictObject({
    version: z.literal(1, { error: 'must be 1, the only version there is' }),
    allow: z.array(rule).max(maximumRules).optional().describe('Where a rule here is for an ecosystem (or for none, and so for all), what none of them matches is refused.'),
    deny: z.array(rule).max(maximumRules).optional().describe('What a rule here matches is refused, whatever else says of it.'),
    origins: z.record(ecosystem, z.array(origin).max(maximumRules)).optional().describe('Which hosts and URL prefixes may serve an ecosystem.'),
    pins: z.array(pin).max(maximumRules).optional(),
    cooldown: cooldown.optional(),
    'as-of': asOf.optional().describe('What was published later does not exist for the session.'),
    signatures: z.strictObject({ required: z.array(requiredSignature).max(1000) }).optional(),
    'inspectors-configuration': z.record(z.string(), z.unknown()).optional().describe('As fetch-service has it.'),
    sessions: z.strictObject({ 'may-pin': z.boolean().describe('Whether documents of sessions may have pins.') }).optional().describe('Only in the document of the service.'),
  })
  .meta({ id: 'PolicyDocument', title: 'Millrace policy document' });

export type WrittenPolicy = z.infer<typeof policySchema>;

/** Every key that a document may have at some place: what an unknown one may have been meant to be. */
export const policyKeys: readonly string[] = [
  ...new Set([policySchema, rule, pin, cooldown, requiredSignature].flatMap((schema) => Object.keys(schema.shape)).concat('at', 'ecosystems', 'required', 'may-pin')),
];

function isOrigin(value: string): boolean {
  if (!value.includes('://')) return /^[A-Za-z0-9.*?\-:[\]_]+$/.test(value) && isUsableGlob(value);
  const url = URL.parse(value);
  return url !== null && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '' && url.search === '' && url.hash === '';
}
