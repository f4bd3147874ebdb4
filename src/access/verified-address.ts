// reject_unverified_sender and reject_unverified_recipient (postconf(5), ADDRESS_VERIFICATION_README): refuse what the
// server that mail would go to refuses. Without an answer yet, the client is told to come again.

import { toExternal, toInternal } from '../address/form.ts';
import { standardForm } from '../address/standard-form.ts';
import type { Settings } from '../settings/settings.ts';
import { SettingsError } from '../settings/settings-error.ts';
import type { Evaluation, Restriction, Verdict } from './evaluation.ts';

type Check = Restriction['check'];

interface Rules {
  readonly role: 'sender' | 'recipient';
  readonly deferCode: number;
  readonly rejectCode: number;
  /** In place of what the server said; or ''. */
  readonly reason: string;
  readonly refusesAtOnce: boolean;
  readonly patienceMilliseconds: number;
}

/** As much of a strange server's words as a reply can bear. */
const maxReason = 250;

export function verifiedAddressChecks(settings: Settings): Record<string, Check> {
  const polls = settings.integer('address_verify_poll_count');
  const patienceMilliseconds = (polls - 1) * settings.seconds('address_verify_poll_delay') * 1000;
  const sender: Rules = {
    role: 'sender',
    deferCode: code(settings, 'unverified_sender_defer_code'),
    rejectCode: code(settings, 'unverified_sender_reject_code'),
    reason: settings.text('unverified_sender_reject_reason'),
    refusesAtOnce: settings.text('unverified_sender_tempfail_action').toLowerCase() === 'defer',
    patienceMilliseconds,
  };
  const recipient: Rules = {
    role: 'recipient',
    deferCode: code(settings, 'unverified_recipient_defer_code'),
    rejectCode: code(settings, 'unverified_recipient_reject_code'),
    reason: settings.text('unverified_recipient_reject_reason'),
    refusesAtOnce: settings.text('unverified_recipient_tempfail_action').toLowerCase() === 'defer',
    patienceMilliseconds,
  };
  return {
    reject_unverified_sender: (evaluation) => check(evaluation, evaluation.sender, sender),
    reject_unverified_recipient: (evaluation) => check(evaluation, evaluation.recipient ?? '', recipient),
  };
}

type CodeName = `unverified_${'sender' | 'recipient'}_${'defer' | 'reject'}_code`;

/** A code from 200 to 299 lets the address pass; what is between that and 400 is no answer to RCPT. */
function code(settings: Settings, name: CodeName): number {
  const value = settings.integer(name);
  if (value < 300 || value >= 400) return value;
  throw new SettingsError(`${name} = ${value}: must be 2xx, 4xx or 5xx`, name, settings.origin(name));
}

async function check(evaluation: Evaluation, given: string, rules: Rules): Promise<Verdict> {
  const { verifier, request, decision } = evaluation;
  if (given === '') return 'dunno';
  if (verifier === undefined || request.isQuestionOnly === true) {
    if (decision.isTracing) decision.tell('verify', `<${given}>: a server would be asked; not in a question only`);
    return 'dunno';
  }
  const address = toExternal(standardForm(toInternal(given), evaluation.router.settings.standardForm));
  const { status, text } = await verifier.verify(address, rules.patienceMilliseconds);
  if (status === 'deliverable') return 'dunno';
  const number = status === 'undeliverable' ? rules.rejectCode : rules.deferCode;
  if (number < 300) return 'dunno';
  return refusal(evaluation, given, rules, number, rules.reason === '' ? text : rules.reason);
}

function refusal(evaluation: Evaluation, given: string, rules: Rules, number: number, reason: string): Verdict {
  const isSender = rules.role === 'sender';
  const said = reason.replace(/[\x00-\x1f\x7f]/g, ' ').slice(0, maxReason);
  const what = `<${toInternal(given)}>: ${isSender ? 'Sender' : 'Recipient'} address rejected`;
  const detail = isSender ? '1.7' : '1.1';
  if (number >= 500) return { code: number, status: `5.${detail}`, text: `${what}: undeliverable address: ${said}` };
  const reply = { code: number, status: `4.${detail}`, text: `${what}: unverified address: ${said}` };
  return evaluation.deferPermit(reply, rules.refusesAtOnce);
}
