import type { Finding } from '../../repository-checks/finding.js';

/** What the reports of HaikuPorter's buildmaster are made of, which its frontend links and people read. */
export interface ConsistencyReport {
  /** What was checked: the buildmaster names the revision of its ports, Millrace the state of the repository. */
  readonly revision: string;
  readonly findings: readonly Finding[];
}

/** `repo_consistency.txt`: what can be installed no more. */
export function repositoryConsistencyText({ revision, findings }: ConsistencyReport): string {
  return `repo consistency report at ${revision}\n${dependencyText(findings)}`;
}

/** `report.txt`: how the last publish went, then the dependencies that nothing meets, then all else that was found. */
export function reportText({ findings, published }: { readonly findings: readonly Finding[]; readonly published: readonly string[] }): string {
  const others = findings.filter((finding) => !isDependency(finding)).map(({ message }) => `Warning: ${oneLine(message)}\n`);
  return `${published.map((line) => `${oneLine(line)}\n`).join('')}${dependencyText(findings)}${others.join('')}`;
}

/** As `haikuporter --check-package-repository-consistency` prints it: the package's file, below it each requirement that nothing meets. */
function dependencyText(findings: readonly Finding[]): string {
  const lines = new Map<string, string[]>();
  const others: string[] = [];
  for (const { package: item, expected, message } of findings.filter(isDependency)) {
    if (item === undefined || expected === undefined) {
      others.push(`${oneLine(message)}\n`);
      continue;
    }
    const of = lines.get(item.key) ?? [];
    of.push(`\trequires "${oneLine(expected)}" of package "${item.name}-${item.version}" could not be resolved\n`);
    lines.set(item.key, of);
  }
  return `${[...lines].map(([key, each]) => `${key}:\n${each.join('')}\n`).join('')}${others.join('')}`;
}

/** HaikuPorter knows no difference between nothing of that name and no version that does. */
function isDependency({ kind }: Finding): boolean {
  return kind === 'missing-dependency' || kind === 'version-conflict';
}

/** A text of a package may break the lines that scripts read. */
function oneLine(text: string): string {
  return text.replace(/\p{C}+/gu, ' ');
}
