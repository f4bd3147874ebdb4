// Questions of the restrictions to the DNS: each asked once in a transaction, told to explain, and with the third
// outcome as a value, for here doubt has its own rules (defer_if_permit and its kin).

import { domainToASCII } from 'node:url';
import { isHostname } from '../address/domain.ts';
import type { DnsAnswer, MxRecord, Resolver } from '../dns/resolver.ts';
import { TemporaryError } from '../lib/temporary-error.ts';
import type { Evaluation } from './evaluation.ts';

export type Answer<T> = DnsAnswer<T> | { readonly kind: 'unsure'; readonly reason: string };

export function askMx(evaluation: Evaluation, domain: string): Promise<Answer<MxRecord>> {
  return ask(evaluation, 'MX', domain, (resolver, name) => resolver.mx(name));
}

export function askA(evaluation: Evaluation, host: string): Promise<Answer<string>> {
  return ask(evaluation, 'A', host, (resolver, name) => resolver.addresses(name, 4));
}

export function askAaaa(evaluation: Evaluation, host: string): Promise<Answer<string>> {
  return ask(evaluation, 'AAAA', host, (resolver, name) => resolver.addresses(name, 6));
}

export function askNameServers(evaluation: Evaluation, domain: string): Promise<Answer<string>> {
  return ask(evaluation, 'NS', domain, (resolver, name) => resolver.nameServers(name));
}

export function askTexts(evaluation: Evaluation, name: string): Promise<Answer<string>> {
  return ask(evaluation, 'TXT', name, (resolver, ascii) => resolver.texts(ascii));
}

/** All addresses of a host; unsure only where neither family has one. */
export async function askAddresses(evaluation: Evaluation, host: string): Promise<Answer<string>> {
  // Addresses are asked of the system's name service in Postfix, which takes a name with its last dot.
  const name = host.replace(/(?<!\.)\.$/, '');
  const [four, six] = await Promise.all([askA(evaluation, name), askAaaa(evaluation, name)]);
  const records = [four, six].flatMap((answer) => (answer.kind === 'found' ? answer.records : []));
  if (records.length > 0) return { kind: 'found', records };
  return four.kind === 'unsure' ? four : six.kind === 'unsure' ? six : four;
}

function ask<T>(
  evaluation: Evaluation,
  type: string,
  name: string,
  question: (resolver: Resolver, name: string) => Promise<DnsAnswer<T>>,
): Promise<Answer<T>> {
  // What is no host name is asked of nobody, a name with a dot at its end too (dns_lookup of Postfix).
  if (!isHostname(name)) return Promise.resolve({ kind: 'no-domain' });
  const { dnsAnswers } = evaluation.actions;
  const ascii = /^[\u0000-\u007f]*$/.test(name) ? name.toLowerCase() : domainToASCII(name);
  const key = `${type} ${ascii}`;
  let answer = dnsAnswers.get(key) as Promise<Answer<T>> | undefined;
  if (answer === undefined) {
    answer = withDoubt(question(evaluation.resolver, ascii));
    // A transaction with many recipients asks about many domains: the oldest go.
    if (dnsAnswers.size >= maxAnswers) dnsAnswers.delete(dnsAnswers.keys().next().value ?? '');
    dnsAnswers.set(key, answer);
  }
  return evaluation.decision.isTracing ? traced(evaluation, type, ascii, answer) : answer;
}

const maxAnswers = 500;

async function withDoubt<T>(answer: Promise<DnsAnswer<T>>): Promise<Answer<T>> {
  try {
    return await answer;
  } catch (error) {
    if (!(error instanceof TemporaryError)) throw error;
    return { kind: 'unsure', reason: error.message };
  }
}

async function traced<T>(
  evaluation: Evaluation,
  type: string,
  name: string,
  answer: Promise<Answer<T>>,
): Promise<Answer<T>> {
  const said = await answer;
  const records = said.kind === 'found' ? said.records.map(describe).join(', ') : said.kind;
  evaluation.decision.note('dns', type, name, records);
  return said;
}

function describe(record: unknown): string {
  if (typeof record === 'string') return record;
  const { preference, exchange } = record as MxRecord;
  return `${preference} ${exchange || '.'}`;
}
