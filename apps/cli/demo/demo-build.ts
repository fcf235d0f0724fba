import { existsSync } from 'node:fs';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import type { Environment } from '../../../libs/settings/settings.js';

/** A small real build with one package manager. It starts with empty caches and keeps the registry that the machine is configured with. */
export interface DemoBuild {
  /** What the demo calls it. */
  readonly name: string;
  /** Programs that do it, in order of preference; the build is left out where none of them is on PATH. */
  readonly tools: readonly string[];
  readonly parameters: readonly string[];
  /** Files of the project, by relative path. */
  readonly files: Readonly<Record<string, string>>;
  /** Variables that give the tool caches of its own below the project. */
  readonly caches: (directory: string) => Readonly<Record<string, string>>;
  /** Copies configuration that lives beside a cache. */
  readonly prepare?: (directory: string, environment: Environment) => Promise<void>;
}

const npm: DemoBuild = {
  name: 'npm',
  tools: ['npm'],
  parameters: ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=http'],
  files: {
    'package.json': JSON.stringify(
      { name: 'millrace-demo', version: '1.0.0', private: true, dependencies: { 'is-odd': '^3.0.1', kleur: '^4.1.5', 'left-pad': '^1.3.0' } },
      null,
      2,
    ),
  },
  caches: (directory) => ({ npm_config_cache: path.join(directory, 'cache') }),
};

const pip: DemoBuild = {
  name: 'pip',
  tools: ['pip3', 'pip'],
  parameters: ['install', '--no-input', '--disable-pip-version-check', '--target', 'site', '-r', 'requirements.txt'],
  files: { 'requirements.txt': 'six\npackaging\n' },
  // Local directories of wheels would leave nothing to download.
  caches: (directory) => ({ PIP_CACHE_DIR: path.join(directory, 'cache'), PIP_FIND_LINKS: '', PIP_REQUIRE_VIRTUALENV: '0' }),
};

const cargo: DemoBuild = {
  name: 'cargo',
  tools: ['cargo'],
  parameters: ['build'],
  files: {
    'Cargo.toml': '[package]\nname = "millrace-demo"\nversion = "1.0.0"\nedition = "2021"\n\n[dependencies]\nitoa = "1"\ncfg-if = "1"\n',
    'src/main.rs': 'fn main() {\n    println!("{}", itoa::Buffer::new().format(42u64));\n}\n',
  },
  caches: (directory) => ({ CARGO_HOME: path.join(directory, 'cache') }),
  prepare: copyCargoConfiguration,
};

const go: DemoBuild = {
  name: 'go',
  tools: ['go'],
  parameters: ['build', '-mod=mod', './...'],
  // go 1.16: before it fetches a module, the go command has asked the checksum database for its go.mod. With later versions it may not have
  // (it loads modules lazily), and then the inspector needs to be told the database: go.sumdb of inspectors-configuration.
  files: {
    'go.mod': 'module example.test/millrace-demo\n\ngo 1.16\n\nrequire rsc.io/quote v1.5.2\n',
    'main.go': 'package main\n\nimport (\n\t"fmt"\n\n\t"rsc.io/quote"\n)\n\nfunc main() {\n\tfmt.Println(quote.Hello())\n}\n',
  },
  caches: (directory) => ({
    GOPATH: path.join(directory, 'cache'),
    GOMODCACHE: path.join(directory, 'cache', 'mod'),
    GOFLAGS: '-modcacherw',
    GOTOOLCHAIN: 'local',
  }),
};

const maven: DemoBuild = {
  name: 'Maven',
  tools: ['mvn'],
  parameters: ['--batch-mode', '--no-transfer-progress', '-Dstyle.color=never', '-Dmaven.repo.local=cache', 'process-resources'],
  files: {
    'pom.xml': `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>test.example</groupId>
  <artifactId>millrace-demo</artifactId>
  <version>1.0.0</version>
  <properties><project.build.sourceEncoding>UTF-8</project.build.sourceEncoding></properties>
  <dependencies>
    <dependency><groupId>commons-codec</groupId><artifactId>commons-codec</artifactId><version>1.15</version></dependency>
  </dependencies>
</project>
`,
    'src/main/resources/demo.properties': 'name=millrace\n',
  },
  caches: () => ({}),
};

export const demoBuilds: readonly DemoBuild[] = [npm, pip, cargo, go, maven];

/** Where on PATH a build's tool is; undefined when the machine has none. */
export function findTool(build: DemoBuild, environment: Environment): string | undefined {
  const directories = (environment.PATH ?? '').split(path.delimiter).filter((directory) => path.isAbsolute(directory));
  return build.tools.flatMap((tool) => directories.map((directory) => path.join(directory, tool))).find((file) => existsSync(file));
}

/** Writes the project into an empty directory and answers the environment of its tool. */
export async function prepareBuild(build: DemoBuild, directory: string, environment: Environment): Promise<Environment> {
  for (const [name, text] of Object.entries(build.files)) {
    const file = path.join(directory, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, text);
  }
  await build.prepare?.(directory, environment);
  return { ...environment, ...build.caches(directory) };
}

/** cargo reads its registries from the directory that also holds its caches. */
async function copyCargoConfiguration(directory: string, environment: Environment): Promise<void> {
  const configured = environment.CARGO_HOME ?? path.join(environment.HOME ?? homedir(), '.cargo');
  await mkdir(path.join(directory, 'cache'), { recursive: true });
  for (const name of ['config.toml', 'config', 'credentials.toml']) {
    const file = path.join(configured, name);
    if (existsSync(file)) await copyFile(file, path.join(directory, 'cache', name));
  }
}
