import { z } from 'zod';
import { isMillraceError, MillraceError } from '../errors/millrace-error.js';
import type { GateSettings } from '../compose-rules/compose-rule.js';
import type { HttpAnswer, HttpClient } from '../repository-source/http-client.js';
import type { GateDecision, Gates } from './gate.js';

export interface GatesOptions {
  /** Guards where gates may be; see `createSourceClient`. */
  readonly client: Pick<HttpClient, 'post'>;
  /** Milliseconds that one decision may take in all: Greenwave asks other services for it. */
  readonly decisionTime?: number;
  /** Bytes of an answer. */
  readonly answerBytes?: number;
}

const usualTime = 120_000;
const usualBytes = 4 * 1024 ** 2;
const longestSummary = 1000;
/** Of requirements that are named in a summary. */
const namedRequirements = 20;

/** Greenwave sends more of each; docs/reference/compose-gates.md says what is read. */
const requirement = z.looseObject({ testcase: z.string().optional().catch(undefined), type: z.string().optional().catch(undefined) });
const decisionSchema = z.looseObject({ policies_satisfied: z.boolean(), summary: z.string().default(''), unsatisfied_requirements: z.array(requirement).default([]) });
const failureSchema = z.looseObject({ message: z.string() });

/** Asks Greenwave, or whatever answers as it does. Errors: see `Gates`; also `forbidden`, for an address that policy does not allow. */
export function createGates({ client, decisionTime = usualTime, answerBytes = usualBytes }: GatesOptions): Gates {
  async function ask(gate: GateSettings, url: URL, signal: AbortSignal): Promise<GateDecision> {
    const body = Buffer.from(JSON.stringify({ product_version: gate.productVersion, decision_context: gate.decisionContext, subject_type: gate.subjectType, subject_identifier: gate.subjectIdentifier }));
    const answer = await client.post(url, { 'content-type': 'application/json', accept: 'application/json' }, body, signal);
    try {
      if (answer.status !== 200) throw await refusal(answer, url);
      const parsed = decisionSchema.safeParse(await readJson(answer, url));
      if (parsed.success) return decisionOf(parsed.data);
      throw new MillraceError('source-invalid', `what ${url.href} answers is no decision: ${parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'the answer'}: ${message}`).join('; ').slice(0, 300)}`);
    } finally {
      answer.discard();
    }
  }

  async function refusal(answer: HttpAnswer, url: URL): Promise<MillraceError> {
    const { status } = answer;
    const said = failureSchema.safeParse(await readJson(answer, url).catch(() => undefined));
    const what = `the gate ${url.href} answers with HTTP ${status}${said.success ? `: ${plain(said.data.message).slice(0, 300)}` : ''}`;
    if (status >= 500 || status === 408 || status === 429) return new MillraceError('source-unavailable', what);
    const suggestion = status === 404 ? 'Is url the address that /api/v1.0/decision follows, and is there a policy for this product version, decision context and subject type?' : 'Correct the gate in the settings of the rule.';
    return new MillraceError('source-invalid', what, { suggestion });
  }

  /** Undefined where it is no JSON. */
  async function readJson(answer: HttpAnswer, url: URL): Promise<unknown> {
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of answer.body) {
      bytes += chunk.length;
      if (bytes > answerBytes) throw new MillraceError('source-invalid', `what ${url.href} answers has more than ${answerBytes} bytes`);
      chunks.push(chunk);
    }
    try {
      return JSON.parse(Buffer.concat(chunks).toString('utf8')) as unknown;
    } catch {
      return undefined;
    }
  }

  return {
    async decide(gate, signal) {
      const url = new URL(`${gate.url}/api/v1.0/decision`);
      const late = AbortSignal.timeout(decisionTime);
      try {
        return await ask(gate, url, AbortSignal.any([signal, late]));
      } catch (error) {
        signal.throwIfAborted();
        if (late.aborted) throw new MillraceError('source-unavailable', `the gate ${url.href} has not decided within ${decisionTime / 1000} s`, { cause: error });
        if (isMillraceError(error) && error.code === 'source-invalid' && error.suggestion === undefined) throw new MillraceError(error.code, error.message, { cause: error, suggestion: 'A gate answers POST <url>/api/v1.0/decision as Greenwave does.' });
        throw error;
      }
    },
  };
}

function decisionOf({ policies_satisfied, summary, unsatisfied_requirements }: z.infer<typeof decisionSchema>): GateDecision {
  const named = unsatisfied_requirements.slice(0, namedRequirements).flatMap(({ testcase, type }) => (testcase === undefined ? [] : [type === undefined ? testcase : `${testcase} (${type})`]));
  const words = plain(summary) || (policies_satisfied ? 'all policies are satisfied' : 'not all policies are satisfied');
  const text = policies_satisfied || named.length === 0 ? words : `${words}: ${plain(named.join(', '))}`;
  return { open: policies_satisfied, summary: text.slice(0, longestSummary).toWellFormed() };
}

/** Goes into histories and logs. */
function plain(text: string): string {
  return text.replace(/[\0-\x1f\x7f-\x9f\u2028\u2029]+/g, ' ').trim();
}
