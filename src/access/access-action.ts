// What the answer of an access table or of a policy service means (Postfix access(5)): permit, refuse, defer, an
// order for the message, or a list of restrictions to be asked in its place. An answer that this program cannot act
// on is a configuration error (451), never a silent OK.

import { fitStatus } from '../routing/fit-status.ts';
import { splitStatus, withClass } from '../routing/listed.ts';
import type { Reply } from '../routing/types.ts';
import { splitList } from '../lib/split-list.ts';
import { type AccessOrder, orderMisuse, readAccessValue } from '../smtp/access-value.ts';
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

export async function actOn(evaluation: Evaluation, value: string, rules: ActionRules): Promise<Verdict> {
  const { rejectCode, deferCode } = rules;
  const read = readAccessValue(value);
  switch (read.kind) {
    case 'dunno':
      return 'dunno';
    case 'permit':
      return await permit(evaluation, read.word, rules);
    case 'REJECT':
      return refuse(evaluation, rejectCode, '5.7.1', read.text, 'Access denied');
    case 'DEFER':
      return refuse(evaluation, deferCode, '4.7.1', read.text, 'Access denied');
    case 'DEFER_IF_PERMIT':
      return evaluation.deferPermit(refuse(evaluation, deferCode, '4.7.1', read.text, 'Service unavailable'));
    case 'DEFER_IF_REJECT':
      evaluation.deferIfReject ??= refuse(evaluation, deferCode, '4.7.1', read.text, 'Service unavailable');
      return 'dunno';
    case 'log':
      evaluation.log(read.what, read.text);
      return 'dunno';
    case 'order': {
      const verdict = order(evaluation, read.order, read.text, rules);
      return verdict === 'permit' ? await permit(evaluation, read.word, rules) : verdict;
    }
    case 'reply':
      return refuse(evaluation, read.code, `${Math.floor(read.code / 100)}.7.1`, read.text, 'Access denied');
    case 'restrictions':
      return await runList(evaluation, read.text, rules);
  }
}

async function permit(evaluation: Evaluation, action: string, { source }: ActionRules): Promise<Verdict> {
  await evaluation.logPermit(action, `from ${source}`);
  return 'permit';
}

/** What the message's transaction remembers until its end. */
function order(evaluation: Evaluation, action: AccessOrder, text: string, rules: ActionRules): Verdict {
  const { actions, request } = evaluation;
  if (!isTimeForOrders(evaluation, action, rules.source)) return 'dunno';
  const misused = orderMisuse(action, text);
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
      if (misused !== undefined) return misuse(evaluation, rules, misused);
      evaluation.log('filter', `${evaluation.subjectText} triggers FILTER ${text}`);
      actions.filter = text;
      return 'dunno';
    case 'REDIRECT':
    case 'BCC':
      if (misused !== undefined) return misuse(evaluation, rules, misused);
      evaluation.log(action.toLowerCase(), `${evaluation.subjectText} triggers ${action} ${text}`);
      if (action === 'BCC') addOrder(actions.bcc, text);
      else actions.redirect = text;
      return 'dunno';
    case 'PREPEND':
      if (request.where === 'END-OF-MESSAGE') {
        evaluation.warn(
          `access table ${rules.source}: action PREPEND must be used before smtpd_end_of_data_restrictions`,
        );
        return 'dunno';
      }
      if (misused !== undefined) return misuse(evaluation, rules, misused);
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
