import { inOrder } from '../rpm-repository/in-order.js';
import type { PulpClient } from './pulp-client.js';
import { createPulp3Lists, type Distribution, type Labelled } from './pulp-3-lists.js';
import type { FindRepositories, Lookup, PulpRepository } from './pulp-repository.js';
import type { Pulp3Settings } from './pulp-settings-schema.js';

const atOnce = 8;
/** Names and addresses in one request: they all stand in its URL. */
const inOneRequest = 20;

/** Content sets by a label of distributions or of repositories, and what is none by the name of a distribution. */
export function findInPulp3(client: PulpClient, settings: Pulp3Settings): FindRepositories {
  const lists = createPulp3Lists(client, settings);
  const { 'content-set-label': setLabel, 'arch-label': archLabel, 'signatures-label': signaturesLabel } = settings;

  /** With the labels that count: those of the repository, where repositories are labelled. */
  async function findBySet(set: string, signal: AbortSignal): Promise<readonly Distribution[]> {
    // No label has them, and Pulp would read another question.
    if (/[(),]/.test(set)) return [];
    const filter = { pulp_label_select: `${setLabel}=${set}` };
    if (settings['labels-on'] === 'distributions') return lists.distributions(filter, signal);
    const labelled = await lists.repositories(filter, signal);
    const byHref = new Map(labelled.map((each) => [each.pulp_href, each.pulp_labels]));
    const served = await collect(chunks([...byHref.keys()]), (hrefs) => lists.distributions({ repository__in: hrefs.join(',') }, signal));
    return served.map((each) => ({ ...each, pulp_labels: byHref.get(each.repository ?? '') ?? each.pulp_labels }));
  }

  async function findByName(names: readonly string[], signal: AbortSignal): Promise<readonly Distribution[]> {
    const [single, several] = [names.filter((name) => name.includes(',')), names.filter((name) => !name.includes(','))];
    const filters = [...single.map((name) => ({ name })), ...chunks(several).map((some) => ({ name__in: some.join(',') }))];
    const found = await collect(filters, (filter) => lists.distributions(filter, signal));
    return settings['labels-on'] === 'distributions' ? found : withLabels(found, signal);
  }

  async function withLabels(found: readonly Distribution[], signal: AbortSignal): Promise<readonly Distribution[]> {
    const hrefs = [...new Set(found.flatMap(({ repository }) => repository ?? []))];
    const labelled = await collect(chunks(hrefs), (some): Promise<readonly Labelled[]> => lists.repositories({ pulp_href__in: some.join(',') }, signal));
    const byHref = new Map(labelled.map((each) => [each.pulp_href, each.pulp_labels]));
    return found.map((each) => ({ ...each, pulp_labels: byHref.get(each.repository ?? '') ?? {} }));
  }

  /** Of what a distribution serves: Pulp takes the newest publication of a repository that is not named itself. */
  async function isPublished({ publication, repository_version: version, repository }: Distribution, signal: AbortSignal): Promise<boolean> {
    if (publication) return true;
    if (version) return lists.hasPublication({ repository_version: version }, signal);
    return repository ? lists.hasPublication({ repository }, signal) : false;
  }

  function asRepository(each: Distribution, published: boolean): PulpRepository {
    const { name, base_path: place, base_url: url, pulp_labels: labels } = each;
    const content = settings['content-url'];
    return {
      name,
      url: content === undefined ? (URL.parse(url, settings.url)?.href ?? url) : `${content}/${place}/`,
      published,
      arches: words(labels[archLabel]),
      sigkeys: words(labels[signaturesLabel]),
    };
  }

  return async ({ sources, unpublished, signal }: Lookup) => {
    const found = new Map<string, readonly Distribution[]>();
    for await (const { set, members } of inOrder(sources, atOnce, async (each) => ({ set: each, members: await findBySet(each, signal) }))) if (members.length > 0) found.set(set, members);
    for (const each of await findByName(sources.filter((source) => !found.has(source)), signal)) found.set(each.name, [each]);
    const distinct = [...new Map([...found.values()].flat().map((each) => [each.pulp_href, each])).values()];
    const published = new Set<string>();
    for await (const { href, is } of inOrder(unpublished ? [] : distinct, atOnce, async (each) => ({ href: each.pulp_href, is: await isPublished(each, signal) }))) if (is) published.add(href);
    return new Map([...found].map(([source, members]) => [source, members.map((each) => asRepository(each, published.has(each.pulp_href)))]));
  };
}

async function collect<Item, Result>(items: readonly Item[], work: (item: Item) => Promise<readonly Result[]>): Promise<readonly Result[]> {
  const results: Result[] = [];
  for await (const some of inOrder(items, atOnce, work)) results.push(...some);
  return results;
}

function chunks(items: readonly string[]): string[][] {
  return Array.from({ length: Math.ceil(items.length / inOneRequest) }, (_, index) => items.slice(index * inOneRequest, (index + 1) * inOneRequest));
}

function words(list: string | null | undefined): string[] {
  return (list ?? '').split(/[\s,;]+/).filter((word) => word !== '');
}
