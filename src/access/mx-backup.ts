// permit_mx_backup (postconf(5)): mail for a domain that names us as a mail server, but not as its first: we keep it
// for the others. With permit_mx_backup_networks only where all first servers stand in those networks. What the DNS
// cannot tell turns a later refusal into a deferral.

import { toInternal } from '../address/form.ts';
import { isLocalDomain } from '../routing/local-domain.ts';
import { ownAddresses } from '../routing/routing-settings.ts';
import { openMatchList, type OpenOptions } from '../routing/open-maps.ts';
import type { MxRecord } from '../dns/resolver.ts';
import type { MatchList } from '../tables/match-list.ts';
import { askAddresses, askMx } from './dns-questions.ts';
import type { Evaluation, Restriction, Verdict } from './evaluation.ts';
import { lookupProblem } from './server-access.ts';

interface BackupRules {
  readonly own: ReadonlySet<string>;
  readonly networks: MatchList;
  readonly allowsRouting: boolean;
}

export function permitMxBackup(options: OpenOptions): Restriction['check'] {
  const { settings } = options;
  const rules: BackupRules = {
    own: ownAddresses(settings),
    networks: openMatchList(options, 'permit_mx_backup_networks', 'client'),
    allowsRouting: settings.flag('allow_untrusted_routing'),
  };
  return (evaluation) => (evaluation.recipient === undefined ? 'dunno' : check(evaluation, rules));
}

async function check(evaluation: Evaluation, rules: BackupRules): Promise<Verdict> {
  const { class: addressClass, domain, isRouted } = await evaluation.resolved('recipient');
  if (isRouted && !rules.allowsRouting) return 'dunno';
  if (addressClass !== 'default') return 'permit';
  if (domain.startsWith('[')) return 'dunno';
  const answer = await askMx(evaluation, domain);
  if (answer.kind === 'unsure') {
    doubt(evaluation, `Unable to look up mail exchanger information: ${lookupProblem(answer)}`);
  }
  if (answer.kind !== 'found') return 'dunno';
  const servers = answer.records.filter(({ exchange }) => exchange !== '');
  const best = Math.min(...servers.map(({ preference }) => preference));
  const first = servers.filter(({ preference }) => preference === best);
  const others = servers.filter(({ preference }) => preference !== best);
  if (await isAmong(evaluation, rules, first)) return 'dunno';
  if (!(await isAmong(evaluation, rules, others))) return 'dunno';
  return rules.networks.isEmpty || (await areInNetworks(evaluation, rules, first)) ? 'permit' : 'dunno';
}

/** By name first, which needs no further question. */
async function isAmong(evaluation: Evaluation, rules: BackupRules, servers: readonly MxRecord[]): Promise<boolean> {
  for (const { exchange } of servers) {
    if (await isLocalDomain(evaluation.decision, evaluation.router.settings, exchange)) return true;
  }
  for (const { exchange } of servers) {
    const answer = await askAddresses(evaluation, exchange);
    if (answer.kind !== 'found') {
      const why = answer.kind === 'unsure' ? 'Temporary failure in name resolution' : 'Name or service not known';
      doubt(evaluation, `Unable to look up mail exchanger host ${exchange}: ${why}`);
    } else if (answer.records.some((address) => rules.own.has(address.toLowerCase()))) return true;
  }
  return false;
}

async function areInNetworks(
  evaluation: Evaluation,
  { networks }: BackupRules,
  servers: readonly MxRecord[],
): Promise<boolean> {
  for (const { exchange } of servers) {
    const answer = await askAddresses(evaluation, exchange);
    if (answer.kind !== 'found') {
      doubt(evaluation, `Unable to look up host ${exchange} as mail exchanger: ${lookupProblem(answer)}`);
      return false;
    }
    for (const address of answer.records) {
      if (!(await networks.matches(evaluation.decision, 'access', exchange, address))) return false;
    }
  }
  return true;
}

function doubt(evaluation: Evaluation, reason: string): void {
  const text = `<${toInternal(evaluation.recipient ?? '')}>: Recipient address rejected: ${reason}`;
  evaluation.deferIfReject ??= { code: 450, status: '4.4.4', text };
}
