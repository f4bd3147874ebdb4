// Configurations for `lint` as text files: cases, each with the files of a small machine and what is to be found there.
//
//   === title of the case
//   base: debian                     whose settings are added; `plain` (fills in what is not set) where nothing is said
//   expects: alias-loop virtual:2    a rule that must report, and optionally where; all that report must be named
//   hint: catch-all                  the same for hints
//   expect: a@b -> c@d via smtp      where mail goes, in the words of `posthaste expect`
//   mode: mysql.cf 0644              permissions of a file (0640 otherwise)
//   old: virtual.db                  a file that is an hour older than the others
//   -- main.cf                       a file of /etc/postfix, or an absolute path; what follows is its text
//
// Lines before the first case are comments: where the text is from, and when it was read.

import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { lintConfiguration } from '../../src/lint/lint.ts';
import type { LintFinding } from '../../src/lint/rule.ts';

export interface Expectation {
  readonly rule: string;
  /** `virtual:2`; undefined: anywhere. */
  readonly place: string | undefined;
}

export interface LintCase {
  readonly file: string;
  readonly title: string;
  readonly base: string;
  readonly expects: readonly Expectation[];
  readonly hints: readonly Expectation[];
  /** Lines of `posthaste expect`. */
  readonly outcomes: readonly string[];
  readonly modes: ReadonlyMap<string, number>;
  readonly old: readonly string[];
  /** By absolute path on the machine. */
  readonly files: ReadonlyMap<string, string>;
}

const stock = join(import.meta.dirname, 'stock');

export function readCases(folder: string): LintCase[] {
  const names = readdirSync(folder).filter((name) => name.endsWith('.txt'));
  return names.toSorted().flatMap((name) => parseCases(name, readFileSync(join(folder, name), 'utf8')));
}

function parseCases(file: string, text: string): LintCase[] {
  return text
    .split(/^=== /m)
    .slice(1)
    .map((part) => parseCase(file, part));
}

function parseCase(file: string, text: string): LintCase {
  const [head = '', ...blocks] = text.split(/^-- /m);
  const [title = '', ...lines] = head.split('\n');
  const values = (name: string): string[] =>
    lines.filter((line) => line.startsWith(`${name}: `)).map((line) => line.slice(name.length + 2).trim());
  const expectations = (name: string): Expectation[] =>
    values(name).map((value) => {
      const [rule = '', place] = value.split(/\s+/);
      return { rule, place };
    });
  return {
    file,
    title,
    base: values('base')[0] ?? 'plain',
    expects: expectations('expects'),
    hints: expectations('hint'),
    outcomes: values('expect'),
    modes: new Map(
      values('mode').map((value) => {
        const [path = '', mode = ''] = value.split(/\s+/);
        return [absolute(path), Number.parseInt(mode, 8)];
      }),
    ),
    old: values('old').map(absolute),
    files: new Map(
      blocks.map((block) => {
        const end = block.indexOf('\n');
        return [absolute(block.slice(0, end).trim()), block.slice(end + 1)];
      }),
    ),
  };
}

function absolute(path: string): string {
  return path.startsWith('/') ? path : `/etc/postfix/${path}`;
}

/** Makes the machine in a temporary folder; returns its root, which the caller removes. */
export function writeMachine(one: LintCase): string {
  const root = mkdtempSync(join(tmpdir(), 'posthaste-lint-'));
  const files = new Map(one.files);
  const main = files.get('/etc/postfix/main.cf') ?? '';
  if (one.base !== 'none') files.set('/etc/postfix/main.cf', withBase(one.base, main));
  if (!files.has('/etc/postfix/master.cf'))
    files.set('/etc/postfix/master.cf', readFileSync(join(stock, 'master.cf'), 'utf8'));
  if (one.base === 'debian') {
    if (!files.has('/etc/aliases')) files.set('/etc/aliases', 'postmaster:    root\n');
    files.set('/etc/mailname', 'mail.example.net\n');
  }
  const hourAgo = new Date(Date.now() - 3_600_000);
  for (const [path, text] of files) {
    const file = join(root, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    chmodSync(file, one.modes.get(path) ?? 0o640);
    if (one.old.includes(path)) utimesSync(file, hourAgo, hourAgo);
  }
  return root;
}

/** `debian`: a fresh installation's main.cf, to which documents tell to add; `plain`: what the case leaves out. */
function withBase(base: string, main: string): string {
  const text = readFileSync(join(stock, `${base}.cf`), 'utf8');
  if (base !== 'plain') return `${text}\n${main}`;
  const missing = text.split('\n').filter((line) => {
    const name = /^\w+/.exec(line)?.[0];
    return name !== undefined && !new RegExp(`^${name}\\s*=`, 'm').test(main);
  });
  return `${main}\n${missing.join('\n')}\n`;
}

export async function lintCase(one: LintCase): Promise<LintFinding[]> {
  const root = writeMachine(one);
  try {
    const { findings } = await lintConfiguration(join(root, 'etc/postfix'));
    return findings.map((finding) => ({ ...finding, file: finding.file.slice(root.length) }));
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

/** What was found and not expected, and the other way round; empty when they agree. */
export function differences(one: LintCase, findings: readonly LintFinding[]): string[] {
  const problems: string[] = [];
  const check = (kind: string, expected: readonly Expectation[], found: readonly LintFinding[]): void => {
    for (const { rule, place } of expected) {
      const isThere = found.some(
        (finding) =>
          finding.rule === rule && (place === undefined || `${finding.file}:${finding.line}` === absolute(place)),
      );
      if (!isThere) problems.push(`${kind} missing: ${rule} ${place ?? ''}`.trimEnd());
    }
    for (const finding of found) {
      if (expected.some(({ rule }) => rule === finding.rule)) continue;
      problems.push(`${kind} too much: ${finding.rule} ${finding.file}:${finding.line} ${finding.text}`);
    }
  };
  check(
    'finding',
    one.expects,
    findings.filter(({ severity }) => severity !== 'hint'),
  );
  check(
    'hint',
    one.hints,
    findings.filter(({ severity }) => severity === 'hint'),
  );
  return problems;
}
