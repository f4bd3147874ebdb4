// posthaste explain --login USER --sender ADDRESS: may this login send as this address, who may, and why? The answer is
// the server's own: the service's restrictions are asked as at RCPT; the derivation is that of smtpd_sender_login_maps,
// and where the directory answered, of what it follows from.

import { styleText } from 'node:util';
import { toInternal } from '../address/form.ts';
import { standardForm } from '../address/standard-form.ts';
import type { Routing } from '../access/open-routing.ts';
import type { RecipientPolicy } from '../access/recipient-policy.ts';
import type { Directory } from '../directory/directory.ts';
import { senderAnswerFor, type SenderReason } from '../directory/sender-logins.ts';
import { splitList } from '../lib/split-list.ts';
import { Decision } from '../routing/decision.ts';
import { findAddress } from '../routing/find-address.ts';
import { openMaps } from '../routing/open-maps.ts';
import type { Reply, TraceStep } from '../routing/types.ts';
import type { Configuration } from '../settings/configuration.ts';
import type { Settings } from '../settings/settings.ts';
import type { ExplainOptions } from './explainer.ts';
import { explainOne, serviceSettings } from './explainer.ts';

export interface SenderExplanation {
  readonly login: string;
  readonly sender: string;
  /** What this service's restrictions say of it. */
  readonly maySend: boolean;
  /** The restrictions of the service that compare senders with logins. */
  readonly checks: readonly string[];
  /** Undefined where the address is in no table: it has no owner. */
  readonly owners: readonly string[] | undefined;
  readonly allowed: readonly SenderReason[];
  readonly denied: readonly SenderReason[];
  /** Which key answered; undefined where none did. */
  readonly answeredBy: string | undefined;
  /** What a client hears that sends as the address to somebody elsewhere. */
  readonly reply: Reply;
  readonly steps: readonly TraceStep[];
}

// Somebody elsewhere: relay control is asked too, and the reply says if it is that which refuses.
const recipient = 'somebody@example.org';

/** The service that is named, else the first in which people log in. */
export function senderService(configuration: Configuration, name: string | undefined): Settings {
  const withLogins = configuration.services.find(
    ({ command, type, settings }) =>
      command === 'smtpd' && type === 'inet' && settings.flag('smtpd_sasl_auth_enable') && name === undefined,
  );
  return withLogins?.settings ?? serviceSettings(configuration, name);
}

export async function explainSender(
  policy: RecipientPolicy,
  routing: Routing,
  settings: Settings,
  directory: Directory | undefined,
  options: ExplainOptions & { readonly login: string; readonly sender: string },
): Promise<SenderExplanation> {
  const { login, sender } = options;
  const { reply } = await explainOne(policy, recipient, options);
  const { router, tables } = routing;
  const maps = openMaps({ settings, registry: tables, warn: () => undefined }, 'smtpd_sender_login_maps');
  const decision = new Decision(true);
  const resolved = await router.resolveAddress(
    decision,
    standardForm(toInternal(sender), router.settings.standardForm),
    '',
  );
  const search = { ...router.search(decision), stage: 'sender-login' };
  const match = sender === '' ? undefined : await findAddress(search, maps, resolved.recipient);
  const isFromDirectory = match?.found.source?.startsWith('directory:') === true;
  const answer = isFromDirectory && directory ? senderAnswerFor(directory.lookups, resolved.recipient) : undefined;
  const steps = decision.steps.filter(({ stage }) => stage === 'sender-login');
  return {
    login,
    sender,
    maySend: !(reply.code >= 500 && /Sender address rejected: not (owned by|logged in)/.test(reply.text)),
    checks: senderChecks(settings),
    owners: match && splitList(match.found.value).filter((owner) => owner !== '(nobody)'),
    allowed: answer?.allowed ?? [],
    denied: answer?.denied ?? [],
    answeredBy: steps.find(({ result }) => result !== 'not found')?.key,
    reply,
    steps,
  };
}

const lists = [
  'smtpd_client_restrictions',
  'smtpd_helo_restrictions',
  'smtpd_sender_restrictions',
  'smtpd_relay_restrictions',
  'smtpd_recipient_restrictions',
  'smtpd_data_restrictions',
  'smtpd_end_of_data_restrictions',
] as const;

function senderChecks(settings: Settings): string[] {
  const found: string[] = [];
  const look = (words: readonly string[], where: string): void => {
    for (const word of words) if (/_sender_login_mismatch$/i.test(word)) found.push(`${where}: ${word}`);
  };
  for (const name of lists) look(settings.list(name), name);
  for (const name of settings.list('smtpd_restriction_classes')) look(settings.restrictionClass(name), name);
  return found;
}

/** Lines of text, without line ends. */
export function formatSender(explanation: SenderExplanation): string[] {
  const { login, sender, maySend, checks, owners, allowed, denied, reply, steps } = explanation;
  const verdict = maySend ? styleText('green', 'yes') : styleText('red', 'no');
  const line = (title: string, text: string): string => `├─ ${title.padEnd(9)} ${text}`;
  const reasons = (title: string, list: readonly SenderReason[]): string[] =>
    list.map(({ login: who, because }) =>
      line(title, `${who.toLowerCase() === login.toLowerCase() ? styleText('bold', who) : who}: ${because}`),
    );
  return [
    `${styleText('bold', login)} sends as ${styleText('bold', sender === '' ? '<>' : sender)}: ${verdict}`,
    line('reply', `${reply.code} ${reply.status} ${reply.text}`),
    ...(checks.length === 0 ? [line('check', 'none: this service compares no sender with logins')] : []),
    ...checks.map((check) => line('check', check)),
    ...(sender === '' ? [line('owners', 'the null sender belongs to nobody and is never checked')] : []),
    ...(owners === undefined && sender !== '' ? [line('owners', 'none: no table knows the address')] : []),
    ...(owners === undefined || allowed.length > 0 ? [] : [line('owners', owners.join(', ') || 'nobody')]),
    ...reasons('may', allowed),
    ...reasons('may not', denied),
    '└─ because',
    ...steps.map(({ table = '', key = '', result, source }, index) => {
      const place = source === undefined || source === table ? '' : styleText('dim', `  [${source}]`);
      return `   ${index === steps.length - 1 ? '└─' : '├─'} ${table}  ${key} → ${result}${place}`;
    }),
  ];
}
