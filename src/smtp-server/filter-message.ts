// The end of a message where filters are set: shows it to the session's milters, logs what they say as Postfix's
// cleanup(8) does, and hands back the message as they have made it. 250 is said only after that, as without them.

import { whatsupLine } from '../access/mail-request.ts';
import { ProgramLog } from '../lib/log.ts';
import type { Content } from '../mailstore/types.ts';
import type { Answer } from '../milter/answer.ts';
import type { EnvelopeEdits } from '../milter/envelope-edits.ts';
import { headerActionLine } from '../milter/header-checks.ts';
import { inspect, type Inspection } from '../milter/inspect.ts';
import { statusText, type SmtpReply } from '../smtp/reply.ts';
import type { Conversation } from './conversation.ts';
import type { SessionFilters } from './filters.ts';
import type { MessageReceiver } from './message-receiver.ts';
import { rejectedEnvelope, type Transaction } from './transaction.ts';

export type FilterVerdict =
  | {
      readonly kind: 'accepted';
      /** As filters have made it, durable; undefined: as it came. */
      readonly content: Content | undefined;
      readonly envelope: EnvelopeEdits;
    }
  | { readonly kind: 'discarded' }
  | { readonly kind: 'refused'; readonly reply: SmtpReply };

/** May throw TemporaryError or StoreFullError. */
export async function filterMessage(
  session: Conversation,
  filters: SessionFilters,
  transaction: Transaction,
  receiver: MessageReceiver,
): Promise<FilterVerdict> {
  const { options, parts } = session;
  const write = (text: string): void => parts.log.write(options.cleanupProgram, 'info', text);
  const request = { client: session.asker, where: 'END-OF-MESSAGE', ...rejectedEnvelope(transaction) };
  const checks = parts.headerChecks?.().begin((action, field, text) => {
    write(headerActionLine(whatsupLine(request, '', '', session.clientText), action, field, text));
  });
  const reader = await receiver.reread();
  const inspection = await filters.whole(transaction, (chain) =>
    inspect({
      chain,
      reader,
      newWriter: () => parts.store.contentWriter(),
      headerSizeLimit: options.headerSizeLimit,
      sizeLimit: options.messageSizeLimit,
      queueId: transaction.queueId as string,
      log: new ProgramLog(parts.log, options.cleanupProgram),
      checks,
    }),
  );
  const tell = (what: string, text: string): void => write(whatsupLine(request, what, text, session.clientText));
  return act(transaction, inspection, tell);
}

function act(
  transaction: Transaction,
  inspection: Inspection,
  tell: (what: string, text: string) => void,
): FilterVerdict {
  const { actions } = transaction;
  switch (inspection.kind) {
    case 'refused':
      if (inspection.answer !== undefined) tell('milter-reject', statusText(inspection.reply));
      return inspection;
    case 'discarded':
      tellDiscard(inspection.answer, tell);
      return inspection;
    case 'accepted': {
      const { isHeld, isQuarantined, filter, redirect, content, envelope } = inspection;
      if (isQuarantined && !actions.isHeld) tell('milter-hold', 'milter triggers HOLD action');
      actions.isHeld ||= isHeld;
      actions.filter = filter ?? actions.filter;
      actions.redirect = redirect ?? actions.redirect;
      return { kind: 'accepted', content, envelope };
    }
  }
}

function tellDiscard(answer: Answer | undefined, tell: (what: string, text: string) => void): void {
  if (answer !== undefined) tell('milter-discard', 'milter triggers DISCARD action');
}
