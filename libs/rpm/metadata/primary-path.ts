/** Whether the primary metadata lists a file: those that packages depend on by their paths. The rule is that of every writer and reader of rpm-md. */
export function isPrimaryPath(path: string): boolean {
  return path.startsWith('/etc/') || path.includes('bin/') || path === '/usr/lib/sendmail';
}
