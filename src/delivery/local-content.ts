// A message as local(8) hands it on (Postfix's mail_copy()): trace fields in front; for an mbox and for a command a `From `
// line before them, for an mbox with its marks and its empty line at the end.

import type { Clock } from '../lib/clock.ts';
import { StoredForm } from '../maildir/stored-form.ts';
import type { DeliveryRequest } from '../queue/delivery-agent.ts';
import type { LocalOptions } from './local-options.ts';
import { mboxFromLine, storedContent } from './stored-content.ts';

/** Whom it is for. */
export interface LocalRecipient {
  /** Of the queue: with the message's, a name for this delivery. */
  readonly id: number;
  /** External form. */
  readonly recipient: string;
  /** '' where the sender knew of none. */
  readonly original: string;
  /** For Delivered-To; '' where the message has it already. */
  readonly delivered: string;
}

export type LocalForm = 'maildir' | 'mbox' | 'command';

interface Copy {
  readonly form: LocalForm;
  readonly to: LocalRecipient;
  readonly options: Pick<LocalOptions, 'deliveredHeaders' | 'showsOriginals'>;
  readonly clock: Clock;
}

export async function withLocalContent<Outcome>(
  request: DeliveryRequest,
  { form, to, options, clock }: Copy,
  use: (content: AsyncIterable<Uint8Array>) => Promise<Outcome>,
): Promise<Outcome> {
  const { sender } = request.message;
  const isNaming = options.deliveredHeaders.has(form === 'command' ? 'command' : 'file') && to.delivered !== '';
  const fields = [
    `Return-Path: <${sender}>`,
    ...(options.showsOriginals && to.original !== '' ? [`X-Original-To: ${to.original}`] : []),
    ...(isNaming ? [`Delivered-To: ${to.delivered}`] : []),
  ];
  const first = form === 'maildir' ? '' : `${mboxFromLine(sender, new Date(clock.now()))}\n`;
  const stored = new StoredForm({ quotesFrom: form === 'mbox', endsEmpty: form === 'mbox' });
  const reader = request.openContent();
  try {
    return await use(storedContent(reader, stored, { first, fields: Buffer.from(`${fields.join('\r\n')}\r\n`) }));
  } finally {
    await reader.close();
  }
}
