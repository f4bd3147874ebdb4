// Restrictions about names: is a HELO name or an address's domain well-formed, complete, and known to the DNS
// (postconf(5): reject_invalid_helo_hostname, reject_non_fqdn_*, reject_unknown_*).

import { isHostname, isIpAddress, isIpv4, isIpv6, literalAddress } from '../address/domain.ts';
import { domainOf, toInternal } from '../address/form.ts';
import type { AddressRole } from '../routing/listed.ts';
import type { Reply } from '../routing/types.ts';
import type { Settings } from '../settings/settings.ts';
import { askA, askAaaa, askMx, type Answer } from './dns-questions.ts';
import type { Evaluation, Restriction, Verdict } from './evaluation.ts';

type Check = Restriction['check'];

export function nameChecks(settings: Settings): Record<string, Check> {
  const nonFqdnCode = settings.integer('non_fqdn_reject_code');
  const invalidCode = settings.integer('invalid_hostname_reject_code');
  const invalidHelo = heloCheck(invalidCode, ({ helo, refuse }) =>
    isHostname(cutDot(helo)) || isIpAddress(cutDot(helo)) ? 'dunno' : refuse(invalidCode, 'Invalid name'),
  );
  const nonFqdnHelo = heloCheck(invalidCode, ({ helo, refuse }) =>
    isHostname(cutDot(helo)) && cutDot(helo).includes('.')
      ? 'dunno'
      : refuse(nonFqdnCode, 'need fully-qualified hostname'),
  );
  const unknownHelo = unknownHeloCheck(settings, invalidCode);
  const unknownSender = unknownAddressCheck(settings, 'sender');
  return {
    reject_invalid_helo_hostname: invalidHelo,
    reject_invalid_hostname: invalidHelo,
    reject_non_fqdn_helo_hostname: nonFqdnHelo,
    reject_non_fqdn_hostname: nonFqdnHelo,
    reject_unknown_helo_hostname: unknownHelo,
    reject_unknown_hostname: unknownHelo,
    reject_non_fqdn_sender: ({ sender }) =>
      sender === '' ? 'dunno' : checkFqdn(sender, 'Sender address', nonFqdnCode),
    reject_non_fqdn_recipient: ({ recipient }) =>
      recipient === undefined ? 'dunno' : checkFqdn(recipient, 'Recipient address', nonFqdnCode),
    reject_unknown_sender_domain: unknownSender,
    reject_unknown_address: unknownSender,
    reject_unknown_recipient_domain: unknownAddressCheck(settings, 'recipient'),
    permit_naked_ip_address: permitNakedAddress(invalidCode),
  };
}

/** What a name would be without the dot at its end; `..` stays. */
function cutDot(name: string): string {
  return name.length > 1 && name.endsWith('.') && !name.endsWith('..') ? name.slice(0, -1) : name;
}

function heloReply(helo: string, code: number, status: string, reason: string): Reply {
  return {
    code,
    status: `${Math.floor(code / 100)}${status.slice(1)}`,
    text: `<${helo}>: Helo command rejected: ${reason}`,
  };
}

interface HeloName {
  readonly helo: string;
  readonly refuse: (code: number, reason: string) => Reply;
}

function heloCheck(invalidCode: number, check: (name: HeloName) => Verdict | Promise<Verdict>): Check {
  return ({ client: { helo } }) => {
    if (helo === undefined || helo === '') return 'dunno';
    if (helo.startsWith('[')) return checkHeloLiteral(helo, invalidCode);
    return check({ helo, refuse: (code, reason) => heloReply(helo, code, '5.5.2', reason) });
  };
}

function checkHeloLiteral(helo: string, invalidCode: number): Verdict {
  if (literalAddress(helo) !== undefined) return 'dunno';
  return heloReply(helo, invalidCode, '5.5.2', 'invalid ip address');
}

/** Deprecated in Postfix, and still in people's files. */
function permitNakedAddress(invalidCode: number): Check {
  return (evaluation) => {
    const { helo } = evaluation.client;
    evaluation.warn(
      'restriction permit_naked_ip_address is deprecated. Use permit_mynetworks or permit_sasl_authenticated instead',
    );
    if (helo === undefined || !/^[0-9.:]*$/.test(helo)) return 'dunno';
    if (isIpv4(helo) || isIpv6(helo)) return 'permit';
    return heloReply(helo, invalidCode, '5.5.2', 'invalid ip address');
  };
}

function unknownHeloCheck(settings: Settings, invalidCode: number): Check {
  const code = settings.integer('unknown_hostname_reject_code');
  const refusesAtOnce = settings.text('unknown_helo_hostname_tempfail_action').toLowerCase() === 'defer';
  return async (evaluation) => {
    const { helo } = evaluation.client;
    if (helo === undefined || helo === '') return 'dunno';
    if (helo.startsWith('[')) return checkHeloLiteral(helo, invalidCode);
    let isUnsure = false;
    for (const ask of [askA, askAaaa, askMx]) {
      const answer = await ask(evaluation, helo);
      if (answer.kind === 'found') return 'dunno';
      if (answer.kind === 'unsure') isUnsure = true;
    }
    if (!isUnsure) return heloReply(helo, code, '4.7.1', 'Host not found');
    return evaluation.deferPermit(heloReply(helo, 450, '4.7.1', 'Host not found'), refusesAtOnce);
  };
}

function checkFqdn(address: string, role: string, code: number): Verdict {
  const domain = domainOf(address);
  if (domain.startsWith('[') && domain.endsWith(']')) return 'dunno';
  const name = cutDot(domain);
  if (name.includes('.') && isHostname(name)) return 'dunno';
  return {
    code,
    status: `${Math.floor(code / 100)}.5.2`,
    text: `<${toInternal(address)}>: ${role} rejected: need fully-qualified address`,
  };
}

function unknownAddressCheck(settings: Settings, role: AddressRole): Check {
  const code = settings.integer('unknown_address_reject_code');
  const refusesAtOnce = settings.text('unknown_address_tempfail_action').toLowerCase() === 'defer';
  const detail = role === 'sender' ? '1.8' : '1.2';
  const className = role === 'sender' ? 'Sender address' : 'Recipient address';
  return async (evaluation) => {
    const given = role === 'sender' ? evaluation.sender : evaluation.recipient;
    if (given === undefined || given === '') return 'dunno';
    const refuse = (number: number, status: string, reason: string): Reply => ({
      code: number,
      status: `${Math.floor(number / 100)}.${status}`,
      text: `<${toInternal(given)}>: ${className} rejected: ${reason}`,
    });
    const { class: addressClass, domain } = await evaluation.resolved(role);
    if (addressClass !== 'default' && addressClass !== 'relay') return 'dunno';
    if (domain.startsWith('[')) return 'dunno';
    switch (await findMailHost(evaluation, domain)) {
      case 'found':
        return 'dunno';
      case 'null':
        return role === 'sender'
          ? refuse(550, '7.27', `Domain ${domain} does not accept mail (nullMX)`)
          : refuse(556, '1.10', `Domain ${domain} does not accept mail (nullMX)`);
      case 'malformed':
        return refuse(code, detail, 'Malformed DNS server reply');
      case 'none':
        return refuse(code, detail, 'Domain not found');
      case 'unsure':
        return evaluation.deferPermit(refuse(450, detail, 'Domain not found'), refusesAtOnce);
    }
  };
}

/** MX, else A or AAAA (RFC 5321 §5.1); a null MX (RFC 7505) says that there is no mail. */
async function findMailHost(
  evaluation: Evaluation,
  domain: string,
): Promise<'found' | 'null' | 'malformed' | 'none' | 'unsure'> {
  const mx = await askMx(evaluation, domain);
  if (mx.kind === 'found') {
    if (mx.records.some(({ exchange }) => isHostname(exchange) || isIpAddress(exchange))) return 'found';
    return mx.records.every(({ exchange }) => exchange === '') && mx.records.length === 1 ? 'null' : 'malformed';
  }
  let isUnsure = mx.kind === 'unsure';
  for (const ask of [askA, askAaaa]) {
    const answer: Answer<string> = await ask(evaluation, domain);
    if (answer.kind === 'found') return 'found';
    if (answer.kind === 'unsure') isUnsure = true;
  }
  return isUnsure ? 'unsure' : 'none';
}
