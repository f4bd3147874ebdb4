// Changes master.cf as `postconf -Me -MX -M# -Fe -Pe -PX` do (postconf(1)): whole services, one of their eight fields, or
// one of their `-o name=value`. A service that is changed is written in Postfix's folded form; all other lines stay.
// NOTE: a comment within a service comes to stand before it, one that follows it stays behind; Postfix moves both.

import { readFile } from 'node:fs/promises';
import { isCommentOrBlank } from '../lib/logical-lines.ts';
import { splitNameValue } from './main-cf.ts';
import { parseMasterCf, type ServiceEntry } from './master-cf.ts';
import { formatService, normalArguments } from './postconf-format.ts';
import { replaceTextFile } from './replace-text-file.ts';
import { matchesService, type ServicePattern } from './service-pattern.ts';
import { SettingsError } from './settings-error.ts';

export type MasterCfEdit =
  | { readonly kind: 'replace'; readonly pattern: ServicePattern; readonly entry: string }
  | { readonly kind: 'remove'; readonly pattern: ServicePattern }
  | { readonly kind: 'comment'; readonly pattern: ServicePattern }
  /** `field`: from 0; 7 is the command with its arguments. */
  | { readonly kind: 'field'; readonly pattern: ServicePattern; readonly field: number; readonly value: string }
  /** Without a value the parameter goes. */
  | {
      readonly kind: 'parameter';
      readonly pattern: ServicePattern;
      readonly name: string;
      readonly value: string | undefined;
    };

export interface EditedMasterCf {
  readonly text: string;
  /** Places in `edits` of those that met no service. */
  readonly unmatched: readonly number[];
}

export const commandField = 7;

/** Pure. Throws SettingsError for an entry or a field that master(5) does not allow. */
export function editMasterCf(text: string, edits: readonly MasterCfEdit[]): EditedMasterCf {
  const matches = edits.map(() => 0);
  const result: string[] = [];
  for (const block of splitBlocks(text)) {
    const chosen = [...edits.keys()].filter((at) => matchesService((edits[at] as MasterCfEdit).pattern, block.service));
    for (const at of chosen) matches[at] = (matches[at] ?? 0) + 1;
    if (chosen.length === 0) result.push(...block.lines);
    else result.push(...editBlock(block, edits, chosen, matches));
  }
  for (const [at, edit] of edits.entries()) {
    if (edit.kind === 'replace' && matches[at] === 0) result.push(...formatService(parseEntry(edit.entry), true));
  }
  const unmatched = [...edits.keys()].filter((at) => matches[at] === 0 && edits[at]?.kind !== 'replace');
  return { text: result.length === 0 ? '' : `${result.join('\n')}\n`, unmatched };
}

/** Atomic, as editMainCfFile. */
export async function editMasterCfFile(file: string, edits: readonly MasterCfEdit[]): Promise<EditedMasterCf> {
  // As Latin-1 no byte of other lines changes.
  const latin1 = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');
  const encoded = edits.map((edit): MasterCfEdit => {
    if (edit.kind === 'replace') return { ...edit, entry: latin1(edit.entry) };
    if (edit.kind === 'field') return { ...edit, value: latin1(edit.value) };
    if (edit.kind === 'parameter' && edit.value !== undefined) return { ...edit, value: latin1(edit.value) };
    return edit;
  });
  const edited = editMasterCf(await readFile(file, 'latin1'), encoded);
  await replaceTextFile(file, edited.text);
  return edited;
}

interface Block {
  readonly service: readonly [name: string, type: string];
  /** From the line of the service to the last that continues it; or lines that belong to none. */
  readonly lines: readonly string[];
}

function splitBlocks(text: string): Block[] {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  const blocks: { service: [string, string]; lines: string[] }[] = [];
  // Comments and blank lines: within a service if it goes on behind them.
  let between: string[] = [];
  const flush = (): void => {
    if (between.length > 0) blocks.push({ service: ['', ''], lines: between });
    between = [];
  };
  for (const line of lines) {
    const current = blocks.at(-1);
    if (isCommentOrBlank(line)) between.push(line);
    else if (/^[ \t\r\f\v]/.test(line) && current !== undefined && current.service[0] !== '') {
      current.lines.push(...between, line);
      between = [];
    } else {
      flush();
      const [name = '', type = ''] = line.split(/[ \t\r]+/);
      blocks.push({ service: [name, type], lines: [line] });
    }
  }
  flush();
  return blocks;
}

function editBlock(
  block: Block,
  edits: readonly MasterCfEdit[],
  chosen: readonly number[],
  matches: readonly number[],
): string[] {
  const comments = block.lines.filter(isCommentOrBlank);
  let entry: ServiceEntry | undefined;
  for (const at of chosen) {
    const edit = edits[at] as MasterCfEdit;
    if (edit.kind === 'comment') return block.lines.map((line) => (isCommentOrBlank(line) ? line : `#${line}`));
    if (edit.kind === 'remove') return comments;
    if (edit.kind === 'replace') {
      // Of several services that match, the first becomes the new one and the others go.
      if (matches[at] === 1) entry = parseEntry(edit.entry);
    } else
      entry = changeEntry(entry ?? parseEntry(block.lines.filter((line) => !isCommentOrBlank(line)).join('\n')), edit);
  }
  if (entry === undefined) return comments;
  // A new service stands where the old one began; one that is changed takes its comments along.
  const isNew = chosen.some((at) => edits[at]?.kind === 'replace');
  const lines = formatService(entry, true);
  return isNew ? [...lines, ...comments] : [...comments, ...lines];
}

function changeEntry(
  entry: ServiceEntry,
  edit: Extract<MasterCfEdit, { readonly kind: 'field' | 'parameter' }>,
): ServiceEntry {
  const fields = entry.fields.slice(0, 8);
  let args = normalArguments(entry.fields.slice(8));
  if (edit.kind === 'field') {
    fields[edit.field] = edit.value;
    if (edit.field === commandField) args = [];
  } else args = changeParameter(args, edit.name, edit.value);
  return parseEntry([...fields, ...args].join(' '));
}

function changeParameter(args: readonly string[], name: string, value: string | undefined): string[] {
  const isIt = (arg: string): boolean => {
    const assignment = splitNameValue(arg.replace(/^-o \{?/, ''));
    return arg.startsWith('-o ') && typeof assignment !== 'string' && assignment.name === name;
  };
  if (value === undefined) return args.filter((arg) => !isIt(arg));
  const option = `-o ${name}=${value}`;
  if (args.some(isIt)) return args.map((arg) => (isIt(arg) ? option : arg));
  const options = args.findIndex((arg) => !arg.startsWith('-') || arg === '--');
  return options < 0 ? [...args, option] : args.toSpliced(options, 0, option);
}

function parseEntry(text: string): ServiceEntry {
  const { services, findings } = parseMasterCf(text.replaceAll(/\n[ \t]*/g, ' '), 'master.cf');
  const [service] = services;
  if (service !== undefined) return service;
  throw new SettingsError(`${findings[0]?.text ?? 'no service'}: "${text.replaceAll('\n', ' ')}"`);
}
