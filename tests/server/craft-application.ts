import { pythonTool } from './python-tool.js';

const version = '7.5.0';

/** Python of an environment with Canonical's craft-application. */
export function craftApplicationPython(): Promise<string> {
  return pythonTool({ name: `craft-application-${version}`, requirements: [`craft-application==${version}`] });
}
