import type { PulpSource } from '../../pulp/pulp-source.js';
import { MillraceError } from '../../errors/millrace-error.js';
import { mostRepositories, type SourceKind } from './source-kind.js';
import { treeArches } from './tree-arches.js';

export const pulpKind: SourceKind = {
  missing: ({ pulpFile }) => (pulpFile === undefined ? 'a connection to a Pulp server (MILLRACE_PULP)' : undefined),
  check({ source, flags, results }) {
    const images = results.filter((result) => result === 'iso' || result === 'boot.iso');
    return [
      // Renewals of composes all of whose sources were absent have none.
      ...(source.length > 0 || flags.includes('ignore_absent_pulp_repos') ? [] : ['source type pulp needs a source: names of content sets or repositories']),
      ...(source.length > mostRepositories ? [`source names ${source.length} content sets or repositories; ${mostRepositories} are the most that one compose takes`] : []),
      ...(images.length > 0 ? [`source type pulp has no packages to make ${images.join(' and ')} of`] : []),
    ];
  },
  pinsAnew: true,
  async pin({ pulp }, asked, options) {
    const { links, ...settled } = await pulpOf(pulp).pin(asked, options);
    // Of what Pulp was told, only what is an architecture of trees: the next attempt and renewals ask with these, and they may become names of directories.
    const known = settled.arches.filter((arch) => treeArches.has(arch));
    return { request: { ...asked, ...settled, arches: known.length === 0 ? asked.arches : known, pinnedPlan: null }, sources: [], lookaside: [], links, kojiEvent: asked.kojiEvent };
  },
};

/** The server of this process. Errors: `invalid-setting`. */
function pulpOf(pulp: PulpSource | undefined): PulpSource {
  if (pulp !== undefined) return pulp;
  throw new MillraceError('invalid-setting', 'this compose has repositories of a Pulp server, and this worker knows none', { suggestion: 'Set MILLRACE_PULP on every gateway and worker alike.' });
}
