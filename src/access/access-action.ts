// What the answer of an access table or of a policy service means (Postfix access(5)): permit, refuse, defer, an
// order for the message, or a list of restrictions to be asked in its place. An answer that this program cannot act
// on is a configuration error (451), never a silent OK.

import { fitStatus } from '../routing/fit-status.ts';
import { splitStatus, withClass } from '../routing/listed.ts';
import type { Reply } from '../routing/types.ts';
import { splitList } from '../lib/split-list.ts';
import { type Evaluation, type Restriction, serverError, type Verdict } from './evaluation.ts';
import { addOrder } from './message-actions.ts';

export interface ActionRules {
  /** The table or service, for warnings. */
  readonly source: string;
  readonly rejectCode: number;
  readonly deferCode: number;
  /** Reads a restriction list that an answer holds. Throws SettingsError for a word that is no restriction. */
  parse(words: readonly string[]): readonly Restriction[];
}

const orders = new Set(['HOLD', 'DISCARD', 'FILTER', 'REDIRECT', 'BCC', 'PREPEND']);

export async function actOn(evaluation: Evaluation, value: string, rules: ActionRules): Promise<Verdict> {
  const match = /^([^ \t]*)[ \t]*(.*)$/s.exec(value);
  const word = match?.[1] ?? '';
  const text = match?.[2] ?? '';
  const action = word.toUpperCase();
  switch (action) {
    case 'DUNNO':
      return 'dunno';
    case 'OK':
    case 'RELAY':
      return await permit(evaluation, word, rules);
    case 'REJECT':
      return refuse(evaluation, rules.rejectCode, '5.7.1', text, 'Access denied');
    case 'DEFER':
      return refuse(evaluation, rules.deferCode, '4.7.1', text, 'Access denied');
    case 'DEFER_IF_PERMIT':
      return evaluation.deferPermit(refuse(evaluation, rules.deferCode, '4.7.1', text, 'Service unavailable'));
    case 'DEFER_IF_REJECT':
      evaluation.deferIfReject ??= refuse(evaluation, rules.deferCode, '4.7.1', text, 'Service unavailable');
      return 'dunno';
    case 'WARN':
    case 'INFO':
      evaluation.log(action.toLowerCase(), text);
      return 'dunno';
  }
  if (orders.has(action)) {
    const verdict = order(evaluation, action, text, rules);
    return verdict === 'permit' ? await permit(evaluation, word, rules) : verdict;
  }
  if (/^\d+$/.test(value)) return await permit(evaluation, word, rules);
  if (/^[45]\d\d$/.test(word) && text !== '') {
    return refuse(evaluation, Number(word), word.startsWith('4') ? '4.7.1' : '5.7.1', text, 'Access denied');
  }
  return await runList(evaluation, value, rules);
}

async function permit(evaluation: Evaluation, action: string, { source }: ActionRules): Promise<Verdict> {
  await evaluation.logPermit(action, `from ${source}`);
  return 'permit';
}

/** What the message's transaction remembers until its end. */
function order(evaluation: Evaluation, action: string, text: string, rules: ActionRules): Verdict {
  const { actions, request } = evaluation;
  if (!isTimeForOrders(evaluation, action, rules.source)) return 'dunno';
  switch (action) {
    case 'HOLD':
      if (actions.isHeld) return 'dunno';
      evaluation.log('hold', `${evaluation.subjectText} ${text || 'triggers HOLD action'}`);
      actions.isHeld = true;
      return 'dunno';
    case 'DISCARD':
      evaluation.log('discard', `${evaluation.subjectText} ${text || 'triggers DISCARD action'}`);
      actions.isDiscarded = true;
      return 'permit';
    case 'FILTER':
      if (!text.includes(':')) return misuse(evaluation, rules, 'requires transport:destination');
      evaluation.log('filter', `${evaluation.subjectText} triggers FILTER ${text}`);
      actions.filter = text;
      return 'dunno';
    case 'REDIRECT':
    case 'BCC':
      if (!text.includes('@')) return misuse(evaluation, rules, 'requires user@domain target');
      evaluation.log(action.toLowerCase(), `${evaluation.subjectText} triggers ${action} ${text}`);
      if (action === 'BCC') addOrder(actions.bcc, text);
      else actions.redirect = text;
      return 'dunno';
    default:
      // PREPEND.
      if (request.where === 'END-OF-MESSAGE') {
        evaluation.warn(
          `access table ${rules.source}: action PREPEND must be used before smtpd_end_of_data_restrictions`,
        );
        return 'dunno';
      }
      if (!/^[!-9;-~]+[ \t]*:/.test(text)) return misuse(evaluation, rules, 'requires header: text');
      addOrder(actions.prepended, text);
      return 'dunno';
  }
}

function misuse(evaluation: Evaluation, { source }: ActionRules, what: string): Verdict {
  evaluation.warn(`access table ${source} entry "${evaluation.subjectName}" ${what}`);
  return 'dunno';
}

/** Before MAIL and at ETRN there is no message that an order could be about. */
function isTimeForOrders(evaluation: Evaluation, action: string, source: string): boolean {
  const { request } = evaluation;
  if (request.where === 'ETRN' && action !== 'PREPEND') {
    evaluation.warn(`access table ${source}: action ${action} is unavailable in smtpd_etrn_restrictions`);
    return false;
  }
  if (request.sender !== undefined) return true;
  evaluation.warn(
    `access table ${source}: with smtpd_delay_reject=no, action ${action} is always skipped in Client host or Helo command restrictions`,
  );
  return false;
}

async function runList(evaluation: Evaluation, value: string, rules: ActionRules): Promise<Verdict> {
  const { source } = rules;
  if (value.includes(':')) {
    evaluation.warn(`access table ${source} has entry with lookup table: ${value}`);
    evaluation.warn('do not specify lookup tables inside SMTPD access maps');
    evaluation.warn('define a restriction class and specify its name instead.');
    return serverError;
  }
  let list: readonly Restriction[];
  try {
    list = rules.parse(splitList(value));
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'SettingsError') throw error;
    evaluation.warn(`access table ${source}: ${error.message}`);
    return serverError;
  }
  if (list.length > 0) return await evaluation.run(list);
  evaluation.warn(`access table ${source} entry ${value} has empty value`);
  return 'permit';
}

function refuse(
  evaluation: Evaluation,
  code: number,
  fallbackStatus: string,
  text: string,
  fallbackText: string,
): Reply {
  const split = splitStatus(text, fallbackStatus);
  const fitting = fitStatus(split.status, evaluation.kind);
  if (fitting !== split.status)
    evaluation.info(`mapping DSN status ${split.status} into ${evaluation.className} status ${fitting}`);
  const status = withClass(fitting, code);
  return { code, status, text: `${evaluation.subjectText} rejected: ${split.text || fallbackText}` };
}
