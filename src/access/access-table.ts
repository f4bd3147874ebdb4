// check_client_access and its kin (Postfix access(5)): which keys an access table is asked. What its answer means
// stands in access-action.ts.

import { isIpAddress } from '../address/domain.ts';
import { domainOf, localpartOf, toExternal, toInternal } from '../address/form.ts';
import { splitExtension } from '../address/extension.ts';
import { TemporaryError } from '../lib/temporary-error.ts';
import { parentKeys } from '../tables/match-list.ts';
import type { Found, Table } from '../tables/table.ts';
import { type ActionRules, actOn } from './access-action.ts';
import { isAuthorised } from './destination-checks.ts';
import { certificateKeys, type SearchOrder } from './client-certificates.ts';
import { type Evaluation, serverError, type SubjectKind, type Verdict } from './evaluation.ts';

export interface AccessOptions extends ActionRules {
  readonly table: Table;
  /** smtpd_access_maps is in parent_domain_matches_subdomains. */
  readonly parentsMatch: boolean;
  readonly nullSenderKey: string;
  readonly allowsUntrustedRouting: boolean;
  /** A permit of it is none for mail that would be relayed: of the directory's own tables, in lists that control that. */
  readonly neverRelays: boolean;
  /** Of check_ccert_access. */
  readonly searchOrder?: SearchOrder;
}

/** Looks up what `about` says and acts on the answer. Of a table without rows nothing is asked, and nobody waits. */
export function checkAccess(
  evaluation: Evaluation,
  about: SubjectKind,
  options: AccessOptions,
): Promise<Verdict> | Verdict {
  return isVoid(options.table) ? 'dunno' : askAndAct(evaluation, about, options);
}

async function askAndAct(evaluation: Evaluation, about: SubjectKind, options: AccessOptions): Promise<Verdict> {
  const verdict = await checkFound(evaluation, about, options, () => find(evaluation, about, options));
  if (verdict !== 'permit') return verdict;
  if (options.neverRelays && !(await mayPermit(evaluation, options))) return 'dunno';
  if (about === 'reverse-client') {
    return forbidPermit(evaluation, 'check_reverse_client_hostname_access', evaluation.client.reverseName ?? 'unknown');
  }
  const isSuspicious =
    about === 'recipient' &&
    !evaluation.actions.isDiscarded &&
    !options.allowsUntrustedRouting &&
    (await evaluation.resolved('recipient')).isRouted;
  return isSuspicious ? 'dunno' : verdict;
}

/** Mail for our own domains, or a message that is thrown away. */
async function mayPermit(evaluation: Evaluation, { allowsUntrustedRouting }: AccessOptions): Promise<boolean> {
  if (evaluation.actions.isDiscarded || evaluation.recipient === undefined) return true;
  return await isAuthorised(evaluation, allowsUntrustedRouting);
}

/** What anybody can put into the DNS must not let anybody in. */
export function forbidPermit(evaluation: Evaluation, restriction: string, target: string): Verdict {
  if (evaluation.actions.isDiscarded) return 'permit';
  evaluation.warn(`restriction ${restriction} returns OK for ${target}`);
  evaluation.warn('this is not allowed for security reasons');
  evaluation.warn('use DUNNO instead of OK if you want to make an exception');
  return serverError;
}

/** Acts on what `search` finds, in the name of `about`. */
export async function checkFound(
  evaluation: Evaluation,
  about: SubjectKind,
  options: AccessOptions,
  search: () => Promise<Found | undefined>,
): Promise<Verdict> {
  const outer = evaluation.kind;
  evaluation.kind = about;
  try {
    const found = await search();
    return found === undefined ? 'dunno' : await actOn(evaluation, found.value, options);
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

async function find(evaluation: Evaluation, about: SubjectKind, options: AccessOptions): Promise<Found | undefined> {
  const { client, etrnDomain } = evaluation.request;
  switch (about) {
    case 'client':
      return await findHost(evaluation, options, client.name ?? 'unknown', client.address ?? '');
    case 'reverse-client':
      return await findHost(evaluation, options, client.reverseName ?? client.name ?? 'unknown', client.address ?? '');
    case 'helo':
      return client.helo === undefined ? undefined : await findDomain(evaluation, options, client.helo, true);
    case 'etrn':
      return etrnDomain === undefined ? undefined : await findDomain(evaluation, options, etrnDomain, true);
    case 'sasl-user':
      return client.login === undefined ? undefined : await ask(evaluation, options, client.login, true);
    case 'certificate':
      return await findCertificate(evaluation, options);
    case 'sender':
    case 'recipient':
      return await findMail(evaluation, about, options);
    case 'data':
    case 'end-of-data':
      return undefined;
  }
}

/** A table that cannot say is asked, and tells. */
function isVoid(table: Table): boolean {
  try {
    return table.isVoid?.() === true;
  } catch (error) {
    if (error instanceof TemporaryError) return false;
    throw error;
  }
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

async function findCertificate(evaluation: Evaluation, options: AccessOptions): Promise<Found | undefined> {
  for (const key of certificateKeys(evaluation.client.tls?.certificate, options.searchOrder)) {
    const found = await ask(evaluation, options, key, true);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Host name and its parents, then the address and its networks. */
async function findHost(
  evaluation: Evaluation,
  options: AccessOptions,
  name: string,
  address: string,
): Promise<Found | undefined> {
  return (
    (await findDomain(evaluation, options, name, true)) ??
    (address === '' ? undefined : await findIpAddress(evaluation, options, address))
  );
}

/** The address, then its networks, an octet or group shorter each time. */
export async function findIpAddress(
  evaluation: Evaluation,
  options: AccessOptions,
  address: string,
): Promise<Found | undefined> {
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

export async function findDomain(
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
  if (role === 'sender' && evaluation.sender === '') {
    return evaluation.request.sender === undefined
      ? undefined
      : await ask(evaluation, options, options.nullSenderKey, true);
  }
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
