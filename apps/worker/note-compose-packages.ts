import type { Logger } from 'pino';
import { readPackagesOfPlan } from '../../libs/compose-engine/read-plan.js';
import type { ComposePackages } from '../../libs/compose-record/compose-packages.js';
import { errorMessage } from '../../libs/errors/error-message.js';
import { isMillraceError } from '../../libs/errors/millrace-error.js';
import type { ContentStore } from '../../libs/repository-source/content-store.js';

export interface PackageNotes {
  /** Notes which packages a tree has, by its plan. */
  know(tree: number, plan: string): Promise<void>;
  /** One round: of all trees that nobody has noted, such as those of the versions before. Rejects when the database is away. */
  catchUp(): Promise<void>;
}

export interface PackageNotesOptions {
  readonly packages: ComposePackages;
  readonly content: Pick<ContentStore, 'file'>;
  readonly log: Pick<Logger, 'warn'>;
}

const pageSize = 100;

export function createPackageNotes({ packages, content, log }: PackageNotesOptions): PackageNotes {
  const unread = new Set<number>();

  async function know(tree: number, plan: string): Promise<void> {
    const found = await readPackagesOfPlan(content, plan);
    await packages.remember(tree, [...new Set(found.map((each) => each.package.sha256))]);
  }

  /** A plan that cannot be read is told of once, and tried again in the next round. */
  async function attempt(tree: number, plan: string): Promise<void> {
    try {
      await know(tree, plan);
    } catch (error) {
      if (isMillraceError(error)) throw error;
      if (!unread.has(tree)) log.warn({ composeId: tree, reason: errorMessage(error) }, 'the packages of a compose are not found by their digests: its plan cannot be read');
      unread.add(tree);
    }
  }

  return {
    know,
    async catchUp() {
      for (let after = 0; ; ) {
        const page = await packages.unknown(after, pageSize);
        for (const { tree, plan } of page) await attempt(tree, plan);
        const last = page.at(-1);
        if (last === undefined) return;
        after = last.tree;
      }
    },
  };
}
