// check_sender_mx_access and its kin (postconf(5), access(5)): an access table is asked about the hosts that serve a
// domain: its own addresses (a), its mail servers (mx) or its name servers (ns), by their names and addresses. Such a
// table can only refuse: who owns a domain writes its DNS, so an OK there would let anybody in.

import { isIpAddress, literalAddress } from '../address/domain.ts';
import type { Found } from '../tables/table.ts';
import { type AccessOptions, checkFound, findDomain, findIpAddress, forbidPermit } from './access-table.ts';
import { type Answer, askAddresses, askMx, askNameServers } from './dns-questions.ts';
import type { Evaluation, SubjectKind, Verdict } from './evaluation.ts';

export type ServerType = 'A' | 'MX' | 'NS';

/** More servers than this of one domain are not looked at. */
const maxServers = 30;

export async function checkServerAccess(
  evaluation: Evaluation,
  restriction: string,
  about: SubjectKind,
  type: ServerType,
  options: AccessOptions,
): Promise<Verdict> {
  const target = targetOf(evaluation, about);
  if (target === undefined) return 'dunno';
  const verdict = await checkFound(evaluation, about, options, () => findServers(evaluation, target, type, options));
  return verdict === 'permit' ? forbidPermit(evaluation, restriction, target) : verdict;
}

function targetOf(evaluation: Evaluation, about: SubjectKind): string | undefined {
  const { client, sender, recipient } = evaluation;
  const { name = 'unknown', reverseName = name, helo } = client;
  if (about === 'client') return name.toLowerCase() === 'unknown' ? undefined : name;
  if (about === 'reverse-client') return reverseName.toLowerCase() === 'unknown' ? undefined : reverseName;
  if (about === 'helo') return helo;
  const address = about === 'sender' ? sender : recipient;
  return address === '' ? undefined : address;
}

async function findServers(
  evaluation: Evaluation,
  target: string,
  type: ServerType,
  options: AccessOptions,
): Promise<Found | undefined> {
  const domain = target.slice(target.lastIndexOf('@') + 1);
  if (domain === '') return undefined;
  if (domain.startsWith('[')) {
    const address = type === 'NS' ? undefined : literalAddress(domain);
    return address === undefined ? undefined : await findIpAddress(evaluation, options, address);
  }
  const servers = await serversOf(evaluation, domain, target, type);
  for (const server of servers.slice(0, maxServers)) {
    const found = isIpAddress(server)
      ? await findIpAddress(evaluation, options, server)
      : await findServer(evaluation, server, type, options);
    if (found !== undefined) return found;
  }
  return undefined;
}

async function findServer(
  evaluation: Evaluation,
  server: string,
  type: ServerType,
  options: AccessOptions,
): Promise<Found | undefined> {
  const byName = type === 'A' ? undefined : await findDomain(evaluation, options, server, true);
  if (byName !== undefined) return byName;
  const addresses = await askAddresses(evaluation, server);
  if (addresses.kind !== 'found') {
    if (type !== 'A') {
      const about = `${evaluation.className} ${targetOf(evaluation, evaluation.kind) ?? ''}`;
      evaluation.warn(`Unable to look up ${type} host ${server} for ${about}: ${lookupProblem(addresses)}`);
    }
    return undefined;
  }
  for (const address of addresses.records) {
    const found = await findIpAddress(evaluation, options, address);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** A domain without mail servers is its own; one without name servers has its parent's. */
async function serversOf(
  evaluation: Evaluation,
  domain: string,
  target: string,
  type: ServerType,
): Promise<readonly string[]> {
  if (type === 'A') return [domain];
  let asked = domain;
  const question = async (): Promise<Answer<string>> => {
    if (type === 'NS') return await askNameServers(evaluation, asked);
    const answer = await askMx(evaluation, asked);
    return answer.kind === 'found'
      ? { kind: 'found', records: answer.records.map(({ exchange }) => exchange) }
      : answer;
  };
  let answer = await question();
  if (answer.kind !== 'found' && answer.kind !== 'unsure' && type === 'MX') return [domain];
  while (answer.kind !== 'found' && answer.kind !== 'unsure' && asked.indexOf('.') !== -1) {
    const parent = asked.slice(asked.indexOf('.') + 1);
    if (parent === '') break;
    asked = parent;
    answer = await question();
  }
  // A null MX (RFC 7505) names no host.
  if (answer.kind === 'found') return answer.records.filter((server) => server !== '');
  evaluation.warn(
    `Unable to look up ${type} host for ${answer.kind === 'unsure' ? asked : target}: ${lookupProblem(answer)}`,
  );
  return [];
}

export function lookupProblem(answer: Answer<unknown>): string {
  return answer.kind === 'unsure' ? 'Host not found, try again' : 'Host not found';
}
