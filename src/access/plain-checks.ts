// The restrictions that are one word (postconf(5)), by name.

import { ownAddresses } from '../routing/routing-settings.ts';
import { openMaps, openMatchList, type OpenOptions } from '../routing/open-maps.ts';
import type { Client, Reply } from '../routing/types.ts';
import type { Settings } from '../settings/settings.ts';
import type { MatchList } from '../tables/match-list.ts';
import { certificateChecks } from './client-certificates.ts';
import { destinationChecks, recipientOnly } from './destination-checks.ts';
import { DnsLists } from './dns-lists.ts';
import type { Evaluation, Restriction, Verdict } from './evaluation.ts';
import { greylistCheck } from './greylisting.ts';
import { permitMxBackup } from './mx-backup.ts';
import { nameChecks } from './name-checks.ts';
import { verifiedAddressChecks } from './verified-address.ts';
import { checkAuthenticatedSender, checkUnauthenticatedSender, type SenderLoginRules } from './sender-login.ts';

type Check = Restriction['check'];

export function plainChecks(options: OpenOptions): Record<string, Check> {
  const { settings } = options;
  const mynetworks = openMatchList(options, 'mynetworks', 'client');
  const logins = {
    maps: openMaps(options, 'smtpd_sender_login_maps'),
    isAuthEnabled: settings.flag('smtpd_sasl_auth_enable'),
  };
  const unlistedRecipient: Check = (evaluation) => recipientOnly(evaluation, () => evaluation.checkListed('recipient'));
  return {
    permit: () => 'permit',
    reject: (evaluation) => plain(evaluation, settings.integer('reject_code'), '5.7.1', 'Access denied'),
    defer: (evaluation) => plain(evaluation, settings.integer('defer_code'), '4.3.2', 'Try again later'),
    defer_if_permit: (evaluation) =>
      evaluation.deferPermit(plain(evaluation, 450, '4.7.0', 'defer_if_permit requested')),
    defer_if_reject: (evaluation) => {
      evaluation.deferIfReject ??= plain(evaluation, 450, '4.7.0', 'defer_if_reject requested');
      return 'dunno';
    },
    permit_mynetworks: (evaluation) => permitNetworks(evaluation, mynetworks),
    permit_inet_interfaces: permitOwnAddresses(settings),
    // XCLIENT can name a login where AUTH is off: that is no authentication.
    permit_sasl_authenticated: ({ client }) =>
      logins.isAuthEnabled && client.login !== undefined ? 'permit' : 'dunno',
    reject_unlisted_recipient: unlistedRecipient,
    check_recipient_maps: unlistedRecipient,
    reject_unlisted_sender: (evaluation) => (evaluation.sender === '' ? 'dunno' : evaluation.checkListed('sender')),
    permit_mx_backup: permitMxBackup(options),
    defer_greylisted: greylistCheck(options),
    ...destinationChecks(settings),
    ...sessionChecks(settings),
    ...clientChecks(options),
    ...certificateChecks(options),
    ...nameChecks(settings),
    ...loginChecks(logins),
    ...verifiedAddressChecks(settings),
  };
}

function plain(evaluation: Evaluation, code: number, status: string, reason: string): Reply {
  return {
    code,
    status: `${Math.floor(code / 100)}${status.slice(1)}`,
    text: `${evaluation.subjectText} rejected: ${reason}`,
  };
}

async function permitNetworks(evaluation: Evaluation, mynetworks: MatchList): Promise<Verdict> {
  const { name = '', address = '' } = evaluation.client;
  if (name === '' && address === '') return 'dunno';
  return (await mynetworks.matches(evaluation.decision, 'access', name, address)) ? 'permit' : 'dunno';
}

function permitOwnAddresses(settings: Settings): Check {
  const own = ownAddresses(settings);
  return ({ client }) => (client.address !== undefined && own.has(client.address.toLowerCase()) ? 'permit' : 'dunno');
}

/** What the conversation itself shows. */
function sessionChecks(settings: Settings): Record<string, Check> {
  const plaintextCode = settings.integer('plaintext_reject_code');
  const bounceCode = settings.integer('multi_recipient_bounce_reject_code');
  return {
    reject_plaintext_session: ({ client }) =>
      client.tls === undefined
        ? { code: plaintextCode, status: withDigit('4.7.1', plaintextCode), text: 'Session encryption is required' }
        : 'dunno',
    reject_unauth_pipelining: (evaluation) => {
      if (evaluation.client.pipelinesTooEarly !== true) return 'dunno';
      const text = `${evaluation.subjectText} rejected: Improper use of SMTP command pipelining`;
      return { code: 503, status: '5.5.0', text };
    },
    // At RCPT the recipient that is asked about is not among those that were accepted.
    reject_multi_recipient_bounce: (evaluation) => {
      const { sender, recipientCount = 0, where = 'RCPT' } = evaluation.request;
      if (sender !== '' || recipientCount <= (where === 'RCPT' ? 0 : 1)) return 'dunno';
      const text = `${evaluation.subjectText} rejected: Multi-recipient bounce`;
      return { code: bounceCode, status: withDigit('5.5.3', bounceCode), text };
    },
  };
}

function withDigit(status: string, code: number): string {
  return `${Math.floor(code / 100)}${status.slice(1)}`;
}

/** What the DNS says of the client. */
function clientChecks(options: OpenOptions): Record<string, Check> {
  const { settings } = options;
  const code = settings.integer('unknown_client_reject_code');
  const refuse = (client: Client, isSure: boolean, status: string, what: string): Verdict => {
    const number = isSure ? code : 450;
    const text = `Client host rejected: cannot find your ${what}, [${client.address ?? 'unknown'}]`;
    return { code: number, status: withDigit(status, number), text };
  };
  const unknownName: Check = ({ client }) => {
    const { name = 'unknown', nameStatus = name === 'unknown' ? 'none' : 'found' } = client;
    return nameStatus === 'found' ? 'dunno' : refuse(client, nameStatus !== 'unsure', '4.7.25', 'hostname');
  };
  const lists = new DnsLists(options);
  const blockLists = settings
    .list('maps_rbl_domains')
    .map((domain) => lists.blockList('address', domain, 'maps_rbl_domains'));
  return {
    reject_unknown_client_hostname: unknownName,
    reject_unknown_client: unknownName,
    reject_unknown_reverse_client_hostname: ({ client }) => {
      const { name = 'unknown', reverseName = name } = client;
      const { reverseNameStatus = reverseName === 'unknown' ? 'none' : 'found' } = client;
      if (reverseNameStatus === 'found') return 'dunno';
      return refuse(client, reverseNameStatus === 'none', '4.7.1', 'reverse hostname');
    },
    reject_maps_rbl: async (evaluation) => {
      evaluation.warn(
        'support for restriction "reject_maps_rbl" will be removed from Postfix; use "reject_rbl_client domain-name" instead',
      );
      for (const check of blockLists) {
        const verdict = await check(evaluation);
        if (verdict !== 'dunno') return verdict;
      }
      return 'dunno';
    },
  };
}

function loginChecks(rules: SenderLoginRules): Record<string, Check> {
  return {
    reject_sender_login_mismatch: async (evaluation) => {
      const verdict = await checkAuthenticatedSender(evaluation, rules, false);
      return verdict === 'dunno' ? await checkUnauthenticatedSender(evaluation, rules) : verdict;
    },
    reject_authenticated_sender_login_mismatch: (evaluation) => checkAuthenticatedSender(evaluation, rules, false),
    // In Postfix 3.7 it also asks for the login of a sender that has one (postconf(5)).
    reject_known_sender_login_mismatch: (evaluation) =>
      evaluation.client.login === undefined
        ? checkUnauthenticatedSender(evaluation, rules)
        : checkAuthenticatedSender(evaluation, rules, true),
    reject_unauthenticated_sender_login_mismatch: (evaluation) => checkUnauthenticatedSender(evaluation, rules),
  };
}
