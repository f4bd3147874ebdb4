// posthaste lint: what is wrong with this configuration, what will happen, and how to mend it. Reads any folder with a
// main.cf, and the directory where there is one; connects to nothing but the directory's server and writes nothing.

import { styleText } from 'node:util';
import type { Command } from 'commander';
import { allRules, lintConfiguration } from '../lint/lint.ts';
import type { RelayProof } from '../lint/relay/proof.ts';
import { summary as proofSummary } from '../lint/relay/summary.ts';
import type { LintFinding, Severity } from '../lint/rule.ts';
import { SettingsError } from '../settings/settings-error.ts';
import { type CommandContext, CommandError } from './context.ts';
import { readDirectoryForLint } from './lint-directory.ts';
import { printAdvice } from './output.ts';

interface Options {
  readonly here?: true;
  readonly hints: boolean;
  readonly ignore: readonly string[];
  readonly rules?: true;
  readonly relay?: true;
}

const examples = `
Exit status: 0 nothing to mend (hints do not count), 1 findings, 2 the folder cannot be read.

Examples:
  posthaste -c /etc/postfix lint
  posthaste -c image/etc/postfix lint --no-hints --ignore catch-all
  posthaste -c /etc/postfix lint --here --json
  posthaste -c /etc/postfix lint --relay`;

export function register(program: Command, context: CommandContext): void {
  program
    .command('lint')
    .description('find mistakes in a configuration folder: what happens, and how to mend it')
    .option('--here', 'say also what this program does not do with the configuration')
    .option('--no-hints', 'errors and warnings only')
    .option('--ignore <rule>', 'leave out a rule; may be given again', collect, [])
    .option('--rules', 'list the rules')
    .option('--relay', 'show only whether strangers can have mail relayed, service by service, and how')
    .addHelpText('after', examples)
    .action((options: Options) => (options.rules ? listRules(context) : lint(context, options)));
}

function collect(value: string, before: readonly string[]): string[] {
  return [...before, value];
}

async function lint(context: CommandContext, options: Options): Promise<void> {
  const unknown = options.ignore.find((id) => !allRules().some((rule) => rule.id === id));
  if (unknown !== undefined) throw new CommandError(`there is no rule ${unknown} (lint --rules lists them)`, 2);
  const { findings, cutRules, relayProofs } = await readAndLint(context, options);
  if (options.relay) {
    printProofs(context, relayProofs);
    return;
  }
  const shown = findings.filter(
    ({ rule, severity }) => !options.ignore.includes(rule) && (options.hints || severity !== 'hint'),
  );
  if (context.json) for (const finding of shown) context.print(JSON.stringify(finding));
  else
    printFindings(
      context,
      shown,
      cutRules.filter((id) => shown.some(({ rule }) => rule === id)),
    );
  if (shown.some(({ severity }) => severity !== 'hint')) process.exitCode = 1;
}

async function readAndLint(context: CommandContext, options: Options): ReturnType<typeof lintConfiguration> {
  const { configDirectory } = context;
  try {
    const fromDirectory = await readDirectoryForLint(configDirectory);
    return await lintConfiguration(configDirectory, {
      ...fromDirectory,
      ...(options.here ? { isForHere: true } : {}),
    });
  } catch (error) {
    if (error instanceof SettingsError) throw new CommandError(error.message, 2);
    throw error;
  }
}

/** Exit status 1 where a door is open, or might be. */
function printProofs(context: CommandContext, proofs: readonly RelayProof[]): void {
  for (const proof of proofs) {
    if (context.json) context.print(JSON.stringify(asObject(proof)));
    else for (const line of proofSummary(proof)) context.print(line);
    if (proof.verdict !== 'closed' && !proof.isLocal) process.exitCode = 1;
  }
}

function asObject({ server, isLocal, verdict, leaks, assumptions, attempts, failure }: RelayProof): object {
  const ways = leaks.map(({ attempt, conditions, path: lists, place }) => {
    const { client, clientNote, sender, recipient } = attempt;
    const { address, name, helo, login } = client;
    return {
      client: { address, name, helo, login },
      as: clientNote,
      sender,
      recipient,
      conditions,
      path: lists,
      place,
    };
  });
  const service = server.service === undefined ? null : server.name;
  return { service, isLocal, verdict, attempts, ways, assumptions, failure };
}

const styles: Readonly<Record<Severity, Parameters<typeof styleText>[0]>> = {
  error: 'red',
  warning: 'yellow',
  hint: 'cyan',
};

/** Grouped by file; a consequence that several findings of a file share is told once. */
function printFindings(context: CommandContext, findings: readonly LintFinding[], cutRules: readonly string[]): void {
  let file: string | undefined;
  let told = new Set<string>();
  for (const finding of findings) {
    if (finding.file !== file) {
      if (file !== undefined) context.print('');
      file = finding.file;
      told = new Set();
      context.print(styleText('bold', file));
    }
    const place = finding.line === 0 ? '   -' : String(finding.line).padStart(4);
    const label = styleText(styles[finding.severity], finding.severity.padEnd(7));
    printAdvice(context, `${place}  ${label}  ${styleText('dim', finding.rule)}  ${finding.text}`);
    const advice = `${finding.rule} ${finding.consequence} ${finding.mend}`;
    if (told.has(advice)) continue;
    told.add(advice);
    printAdvice(context, `               ${finding.consequence}`);
    printAdvice(context, `               ${styleText('green', '→')} ${finding.mend}`);
  }
  for (const rule of cutRules) context.print(`… and more of ${rule}`);
  if (findings.length > 0) context.print('');
  context.print(summary(findings));
}

function summary(findings: readonly LintFinding[]): string {
  const count = (severity: Severity, word: string): string => {
    const number = findings.filter((finding) => finding.severity === severity).length;
    return `${number} ${word}${number === 1 ? '' : 's'}`;
  };
  return findings.length === 0
    ? 'Nothing to mend.'
    : `${count('error', 'error')}, ${count('warning', 'warning')}, ${count('hint', 'hint')}`;
}

function listRules(context: CommandContext): void {
  for (const { id, severity, title } of allRules()) {
    if (context.json) context.print(JSON.stringify({ id, severity, title }));
    else context.print(`${styleText(styles[severity], severity.padEnd(7))}  ${id.padEnd(30)}  ${title}`);
  }
}
