// postconf -e, -X, -#: changes main.cf, and with -M, -F, -P master.cf (postconf(1)). A value that could not be used would
// stop the next start, so it is refused while somebody is looking; Postfix takes it.

import { join } from 'node:path';
import { loadConfiguration } from '../settings/configuration.ts';
import { editMainCfFile, type MainCfEdit } from '../settings/edit-main-cf.ts';
import { commandField, editMasterCfFile, type MasterCfEdit } from '../settings/edit-master-cf.ts';
import { splitNameValue } from '../settings/main-cf.ts';
import { fieldNames } from '../settings/postconf-format.ts';
import { parseServicePattern, type ServicePattern } from '../settings/service-pattern.ts';
import type { CommandContext } from './context.ts';
import type { PostconfOptions } from './postconf-options.ts';
import { fatal, errorText } from './tool.ts';

const tool = 'postconf';

export async function editConfiguration(context: CommandContext, request: PostconfOptions): Promise<void> {
  if (request.mode === 'p') await editMain(context, request);
  else await editMaster(context, request);
}

async function editMain(context: CommandContext, { edit, operands }: PostconfOptions): Promise<void> {
  const file = join(context.configDirectory, 'main.cf');
  const change =
    edit === 'set' ? assignments(context, operands) : names(operands, edit === 'remove' ? 'remove' : 'comment');
  if (change.kind === 'set') await refuseUnusable(context, change.values);
  const { repeated } = await reporting(file, () => editMainCfFile(file, change));
  for (const name of repeated) context.warn(`${tool}: warning: ${file}: multiple entries for "${name}"`);
  if (change.kind === 'set') await warnOfUnknown(context, change.values);
}

function assignments(context: CommandContext, operands: readonly string[]): MainCfEdit & { readonly kind: 'set' } {
  const values = new Map<string, string>();
  for (const operand of operands) {
    const text = checkOperand(operand, '-e, -X, or -# accepts no');
    const split = splitNameValue(text);
    if (typeof split === 'string') throw fatal(tool, `${split}: "${text}"`);
    const earlier = values.get(split.name);
    if (earlier !== undefined) context.warn(`${tool}: warning: ignoring earlier request: '${split.name} = ${earlier}'`);
    values.set(split.name, split.value);
  }
  return { kind: 'set', values };
}

function names(operands: readonly string[], kind: 'remove' | 'comment'): MainCfEdit {
  const chosen = new Set<string>();
  for (const operand of operands) {
    const name = checkOperand(operand, '-e, -X, or -# accepts no').trim();
    if (name === '') throw fatal(tool, '-X or -# requires non-blank parameter names');
    if (name.includes('=')) throw fatal(tool, '-X or -# requires parameter names without value');
    chosen.add(name);
  }
  return { kind, names: chosen };
}

function checkOperand(operand: string, refusal: string): string {
  if (/[\r\n]/.test(operand)) throw fatal(tool, `${refusal} multi-line input`);
  const text = operand.trimStart();
  if (text.startsWith('#')) throw fatal(tool, `${refusal} comment input`);
  return text;
}

async function refuseUnusable(context: CommandContext, values: ReadonlyMap<string, string>): Promise<void> {
  const { settings } = await loadConfiguration(context.configDirectory);
  const proposed = settings.withOverrides(Object.fromEntries(values));
  for (const name of values.keys()) proposed.check(name);
}

async function warnOfUnknown(context: CommandContext, values: ReadonlyMap<string, string>): Promise<void> {
  const { findings } = await loadConfiguration(context.configDirectory);
  for (const { text } of findings) {
    const name = /^unknown parameter ([^:\s]+):/.exec(text)?.[1];
    if (name !== undefined && values.has(name)) context.warn(`${tool}: warning: ${text}`);
  }
}

async function editMaster(context: CommandContext, request: PostconfOptions): Promise<void> {
  const file = join(context.configDirectory, 'master.cf');
  const edits = request.operands.map((operand) => masterEdit(request, operand));
  const { unmatched } = await reporting(file, () => editMasterCfFile(file, edits));
  for (const at of unmatched) {
    if (request.mode !== 'M')
      context.warn(`${tool}: warning: unmatched service_name/type: "${request.operands[at] ?? ''}"`);
  }
}

function masterEdit({ mode, edit }: PostconfOptions, operand: string): MasterCfEdit {
  const text = checkOperand(operand, '-Me, -Fe, -Pe, -X, or -# accept no');
  if (edit !== 'set' && text.includes('=')) throw fatal(tool, '-X or -# requires names without value');
  const split = edit === 'set' ? splitNameValue(text) : { name: text.trim(), value: '' };
  if (typeof split === 'string') throw fatal(tool, `${split}: "${operand}"`);
  const { name, value } = split;
  if (mode === 'M') {
    const pattern = requirePattern(name, 2, '-Me, -MX or -M# requires service_name/type');
    return edit === 'set'
      ? { kind: 'replace', pattern, entry: value }
      : { kind: edit === 'remove' ? 'remove' : 'comment', pattern };
  }
  if (mode === 'F')
    return fieldEdit(requirePattern(name, 3, '-Fe or -FX requires service_name/type/field_name'), value);
  const pattern = requirePattern(name, 3, '-Pe or -PX requires service_name/type/parameter');
  const parameter = pattern[2] as string;
  if (parameter === '*') throw fatal(tool, '-Pe does not accept wild-card parameter name');
  if (/\s/.test(value)) throw fatal(tool, '-Pe does not accept whitespace in parameter value');
  return { kind: 'parameter', pattern, name: parameter, value: edit === 'set' ? value : undefined };
}

function fieldEdit(pattern: ServicePattern, value: string): MasterCfEdit {
  const field = fieldNumber(pattern[2] as string);
  if (field === undefined) throw fatal(tool, '-Fe does not accept wild-card field name');
  if (field < commandField && /\s/.test(value))
    throw fatal(tool, '-Fe does not accept whitespace in non-command field');
  return { kind: 'field', pattern, field, value };
}

function requirePattern(text: string, parts: number, refusal: string): ServicePattern {
  const pattern = parseServicePattern(text, parts, parts);
  if (pattern === undefined) throw fatal(tool, refusal);
  return pattern;
}

/** Undefined for `*`, which is all of them. */
export function fieldNumber(name: string): number | undefined {
  if (name === '*') return undefined;
  const field = (fieldNames as readonly string[]).indexOf(name);
  if (field < 0) throw fatal(tool, `invalid service attribute name: "${name}"`);
  return field;
}

async function reporting<Result>(file: string, edit: () => Promise<Result>): Promise<Result> {
  try {
    return await edit();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    throw fatal(tool, `open ${file}: ${errorText(error)}`);
  }
}
