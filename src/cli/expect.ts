// posthaste expect FILE: does mail go where the file says? Asks the same questions as explain, prints what is
// otherwise, and with --record writes today's answers into the file.

import { renameSync, statSync, writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import type { RecipientPolicy } from '../access/recipient-policy.ts';
import { plural } from '../lib/plural.ts';
import {
  type ExpectationLine,
  formatOutcome,
  isAsExpected,
  type Outcome,
  parseExpectations,
} from '../proof/expectations.ts';
import { loadConfiguration } from '../settings/configuration.ts';
import { type CommandContext, CommandError } from './context.ts';
import { explainOne, openForExplaining, serviceSettings } from './explainer.ts';
import { readInput } from './read-input.ts';

const help = `
A line of the file is an address, perhaps with circumstances, an arrow, and what must come of it:

  info@example.com -> sales@example.com, joe@example.com via virtual
  nosuch@example.com -> 550 5.1.1
  carol@elsewhere.org from ann@example.com login ann@example.com service submission -> carol@elsewhere.org via smtp

Circumstances are: from SENDER (<> is the null sender), client IP, login USER, helo NAME, service NAME.
On the right stands a reply (code, status, part of the text, as much as you care for) or all final recipients;
"via TRANSPORT" or "via TRANSPORT:NEXTHOP" holds for the recipients before it. # begins a comment.

Exit status: 0 all is as expected, 1 something is not, 2 a line cannot be understood.`;

type Expectation = Extract<ExpectationLine, { kind: 'expectation' }>;

export function register(program: Command, context: CommandContext): void {
  program
    .command('expect')
    .description('check that mail goes where a file of expectations says')
    .argument('<file>', 'the expectations; - reads standard input')
    .option('--record', "write today's answers into the file (with -: to standard output)")
    .addHelpText('after', help)
    .action((file: string, options: { record?: boolean }) => expect(context, file, options.record === true));
}

async function expect(context: CommandContext, file: string, isRecording: boolean): Promise<void> {
  const lines = parseExpectations(await readText(context, file));
  refuseMistakes(context, file, lines);
  const configuration = await loadConfiguration(context.configDirectory);
  const opened = await openForExplaining(configuration, context);
  const policies = new Map<string | undefined, RecipientPolicy>();
  const policyOf = (service: string | undefined): RecipientPolicy => {
    const policy = policies.get(service) ?? opened.routing.policy(serviceSettings(configuration, service));
    policies.set(service, policy);
    return policy;
  };
  const written: string[] = [];
  let [good, bad] = [0, 0];
  try {
    for (const one of lines) if (one.kind === 'expectation') policyOf(one.circumstances.service);
    await opened.routing.tables.ready();
    for (const [index, line] of lines.entries()) {
      if (line.kind !== 'expectation') {
        written.push(line.text);
        continue;
      }
      const outcome = await ask(policyOf(line.circumstances.service), line);
      const isGood = isAsExpected(line.outcome, outcome);
      if (isGood) good++;
      else bad++;
      written.push(isGood ? line.text : `${line.left} -> ${formatOutcome(outcome)}`);
      if (!isRecording) tell(context, `${file}:${index + 1}`, line, outcome, isGood);
    }
  } finally {
    opened.close();
  }
  if (isRecording) {
    record(context, file, written);
    context.warn(`${good} as before, ${bad} written`);
    return;
  }
  if (bad > 0) throw new CommandError(`${file}: ${good} as expected, ${bad} not`);
  if (!context.json) context.print(`${file}: all ${good} as expected`);
}

async function ask(policy: RecipientPolicy, { address, circumstances }: Expectation): Promise<Outcome> {
  const { from, client, login, helo } = circumstances;
  return await explainOne(policy, address, {
    ...(from === undefined ? {} : { sender: from }),
    ...(client === undefined ? {} : { client }),
    ...(login === undefined ? {} : { login }),
    ...(helo === undefined ? {} : { helo }),
  });
}

function tell(context: CommandContext, place: string, line: Expectation, outcome: Outcome, isGood: boolean): void {
  const expected = line.text
    .slice(line.left.length)
    .replace(/^\s*->\s*/, '')
    .trim();
  const found = formatOutcome(outcome);
  if (context.json) {
    context.print(JSON.stringify({ place, address: line.address, expected, found, ok: isGood }));
    return;
  }
  if (isGood) return;
  const { reply } = outcome;
  const text = reply.code >= 300 ? ` ${reply.text}` : '';
  context.print(`${place}: ${line.left.trim()}\n  expected ${expected || '(nothing yet)'}\n  found    ${found}${text}`);
}

function refuseMistakes(context: CommandContext, file: string, lines: readonly ExpectationLine[]): void {
  let count = 0;
  for (const [index, line] of lines.entries()) {
    if (line.kind !== 'mistake') continue;
    count++;
    context.warn(`${file}:${index + 1}: ${line.reason}`);
  }
  if (count > 0) throw new CommandError(`${file}: ${plural(count, 'line')} cannot be understood; nothing was asked`, 2);
}

async function readText(context: CommandContext, file: string): Promise<string> {
  try {
    return await readInput(context, file);
  } catch (error) {
    throw new CommandError(`${file} cannot be read: ${(error as Error).message}`, 2);
  }
}

/** The file is replaced as a whole: an interrupted run leaves the former one. */
function record(context: CommandContext, file: string, lines: readonly string[]): void {
  if (file === '-') {
    for (const line of lines) context.print(line);
    return;
  }
  const next = `${file}.new`;
  writeFileSync(next, lines.map((line) => `${line}\n`).join(''), { mode: statSync(file).mode });
  renameSync(next, file);
}
