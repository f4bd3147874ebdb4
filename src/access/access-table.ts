// check_client_access and its kin (Postfix access(5)): which keys an access table is asked, and what its answer
// means. An answer that this program cannot act on yet is a configuration error (451), never a silent OK.

import { isIpAddress } from '../address/domain.ts';
import { domainOf, localpartOf, toExternal, toInternal } from '../address/form.ts';
import { splitExtension } from '../address/extension.ts';
import { TemporaryError } from '../lib/temporary-error.ts';
import { splitStatus, withClass } from '../routing/listed.ts';
import { parentKeys } from '../tables/match-list.ts';
import type { Found, Table } from '../tables/table.ts';
import { type Evaluation, type ListKind, type Restriction, serverError, type Verdict } from './evaluation.ts';

export interface AccessOptions {
  readonly table: Table;
  /** smtpd_access_maps is in parent_domain_matches_subdomains. */
  readonly parentsMatch: boolean;
  readonly nullSenderKey: string;
  readonly rejectCode: number;
  readonly deferCode: number;
  readonly allowsUntrustedRouting: boolean;
  /** Reads a restriction list that an answer holds. Throws for a word that is no restriction. */
  parse(words: string): readonly Restriction[];
}

const laterActions = new Set(['HOLD', 'DISCARD', 'FILTER', 'REDIRECT', 'BCC', 'PREPEND']);

/** Looks up what `about` says and acts on the answer. */
export async function checkAccess(evaluation: Evaluation, about: ListKind, options: AccessOptions): Promise<Verdict> {
  let found: Found | undefined;
  const outer = evaluation.kind;
  evaluation.kind = about;
  try {
    if (about === 'client') found = await findClient(evaluation, options);
    else if (about === 'helo') found = await findDomain(evaluation, options, evaluation.client.helo ?? '', true);
    else found = await findMail(evaluation, about, options);
    if (found === undefined) return 'dunno';
    const verdict = await actOn(evaluation, found.value, options);
    const isSuspicious =
      verdict === 'permit' &&
      about === 'recipient' &&
      !options.allowsUntrustedRouting &&
      (await evaluation.resolved('recipient')).isRouted;
    return isSuspicious ? 'dunno' : verdict;
  } catch (error) {
    if (!(error instanceof AccessTableError)) throw error;
    evaluation.warn(`${error.message}: table lookup problem`);
    return { ...serverError, text: `${evaluation.subjectText} rejected: ${serverError.text}` };
  } finally {
    evaluation.kind = outer;
  }
}

/** The access table itself could not answer: a configuration error, not a lookup failure of the address. */
class AccessTableError extends Error {
  override name = 'AccessTableError';
}

async function ask(
  evaluation: Evaluation,
  { table }: AccessOptions,
  key: string,
  isFull: boolean,
): Promise<Found | undefined> {
  if (key === '' || (!isFull && table.kind === 'pattern')) return undefined;
  try {
    const result = await evaluation.decision.ask('access', table, key);
    if (result.kind === 'not-found') return undefined;
    if (result.value === '') throw new TemporaryError(`table ${table.name}: empty result for ${key}`);
    return result;
  } catch (error) {
    if (error instanceof TemporaryError) throw new AccessTableError(error.message, { cause: error });
    throw error;
  }
}

/** Host name and its parents, then the address and its networks, an octet or group shorter each time. */
async function findClient(evaluation: Evaluation, options: AccessOptions): Promise<Found | undefined> {
  const { name = 'unknown', address = '' } = evaluation.client;
  const byName = await findDomain(evaluation, options, name, true);
  if (byName !== undefined || address === '') return byName;
  const whole = await ask(evaluation, options, address, true);
  if (whole !== undefined) return whole;
  const separator = address.includes(':') ? ':' : '.';
  let rest = address;
  for (let end = rest.lastIndexOf(separator); end > 0; end = rest.lastIndexOf(separator)) {
    rest = rest.slice(0, end).replace(/:+$/, '');
    const found = await ask(evaluation, options, rest, false);
    if (found !== undefined) return found;
  }
  return undefined;
}

async function findDomain(
  evaluation: Evaluation,
  options: AccessOptions,
  domain: string,
  isFull: boolean,
): Promise<Found | undefined> {
  const whole = await ask(evaluation, options, domain, isFull);
  if (whole !== undefined || isIpAddress(domain)) return whole;
  for (const parent of parentKeys(domain, options.parentsMatch)) {
    const found = await ask(evaluation, options, parent, false);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** `user+ext@dom`, `user@dom`, `dom`, parents, `user+ext@`, `user@`. */
async function findMail(
  evaluation: Evaluation,
  role: 'sender' | 'recipient',
  options: AccessOptions,
): Promise<Found | undefined> {
  if (role === 'recipient' && evaluation.recipient === undefined) return undefined;
  if (role === 'sender' && evaluation.sender === '') return await ask(evaluation, options, options.nullSenderKey, true);
  const { recipient: address } = await evaluation.resolved(role);
  const split = splitExtension(address, evaluation.router.settings.extensions);
  const bare = split?.bare;
  return (
    (await askForms(evaluation, options, address, true)) ??
    (bare === undefined ? undefined : await askForms(evaluation, options, bare, false)) ??
    (await findDomain(evaluation, options, domainOf(address), false)) ??
    (await askForms(evaluation, options, `${localpartOf(address)}@`, false)) ??
    (bare === undefined ? undefined : await askForms(evaluation, options, `${localpartOf(bare)}@`, false))
  );
}

async function askForms(
  evaluation: Evaluation,
  options: AccessOptions,
  address: string,
  isFull: boolean,
): Promise<Found | undefined> {
  const external = toExternal(toInternal(address));
  const found = await ask(evaluation, options, external, isFull);
  return found ?? (external === address ? undefined : await ask(evaluation, options, address, isFull));
}

async function actOn(evaluation: Evaluation, value: string, options: AccessOptions): Promise<Verdict> {
  const match = /^(\S+)\s*(.*)$/s.exec(value);
  const word = match?.[1] ?? '';
  const text = match?.[2] ?? '';
  const action = word.toUpperCase();
  if (action === 'DUNNO') return 'dunno';
  if (action === 'OK' || action === 'RELAY' || /^\d+$/.test(value)) return 'permit';
  if (action === 'REJECT') return refuse(evaluation, options.rejectCode, '5.7.1', text, 'Access denied');
  if (action === 'DEFER') return refuse(evaluation, options.deferCode, '4.7.1', text, 'Access denied');
  if (action === 'DEFER_IF_PERMIT') {
    evaluation.deferIfPermit ??= refuse(evaluation, options.deferCode, '4.7.1', text, 'Service unavailable');
    return 'dunno';
  }
  if (action === 'DEFER_IF_REJECT') {
    evaluation.deferIfReject ??= refuse(evaluation, options.deferCode, '4.7.1', text, 'Service unavailable');
    return 'dunno';
  }
  if (/^[45]\d\d$/.test(word) && text !== '') {
    return refuse(evaluation, Number(word), word.startsWith('4') ? '4.7.1' : '5.7.1', text, 'Access denied');
  }
  if (action === 'WARN' || action === 'INFO') {
    const line = `NOQUEUE: ${action.toLowerCase()}: ${evaluation.subjectText}: ${text}`;
    if (action === 'WARN') evaluation.warn(line);
    else evaluation.info(line);
    return 'dunno';
  }
  return await runList(evaluation, value, action, options);
}

async function runList(
  evaluation: Evaluation,
  value: string,
  action: string,
  options: AccessOptions,
): Promise<Verdict> {
  const { name } = options.table;
  if (laterActions.has(action)) {
    evaluation.warn(`access table ${name}: the action ${action} is not supported yet`);
    return serverError;
  }
  if (value.includes(':')) {
    evaluation.warn(`access table ${name} has entry with lookup table: ${value}`);
    return serverError;
  }
  try {
    return await evaluation.run(options.parse(value));
  } catch (error) {
    if (error instanceof TemporaryError || !(error instanceof Error) || error.name !== 'SettingsError') throw error;
    evaluation.warn(`access table ${name}: ${error.message}`);
    return serverError;
  }
}

function refuse(
  evaluation: Evaluation,
  code: number,
  fallbackStatus: string,
  text: string,
  fallbackText: string,
): { readonly code: number; readonly status: string; readonly text: string } {
  const split = splitStatus(text, fallbackStatus);
  const status = withClass(fitStatus(split.status, evaluation.kind), code);
  return { code, status, text: `${evaluation.subjectText} rejected: ${split.text || fallbackText}` };
}

/** Address statuses (x.1.y) that fit what is refused: a sender is not a bad destination (RFC 3463 §3.2). */
const senderStatus: Readonly<Record<string, string>> = {
  '1': '7',
  '2': '8',
  '3': '7',
  '4': '7',
  '6': '7',
  '7': '7',
  '8': '8',
};
const recipientStatus: Readonly<Record<string, string>> = {
  '1': '1',
  '2': '2',
  '3': '3',
  '4': '4',
  '5': '5',
  '6': '6',
  '7': '3',
  '8': '2',
};

function fitStatus(status: string, kind: ListKind): string {
  const match = /^(\d)\.1\.(\d+)$/.exec(status);
  if (match === null) return status;
  const [, digit = '5', detail = '0'] = match;
  if (kind === 'sender') return `${digit}.1.${senderStatus[detail] ?? '0'}`;
  return kind === 'recipient' ? `${digit}.1.${recipientStatus[detail] ?? '0'}` : `${digit}.0.0`;
}
