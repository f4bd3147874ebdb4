// The words of the notices: Postfix's built-in templates (bounce(5)), because people and programs know them.

import type { NoticeKind } from './wishes.ts';

export interface TextFacts {
  readonly hostname: string;
  /** delay_warning_time and maximal_queue_lifetime, seconds. */
  readonly delayWarningSeconds: number;
  readonly lifetimeSeconds: number;
}

export const subjects: Readonly<Record<NoticeKind, string>> = {
  failure: 'Undelivered Mail Returned to Sender',
  delay: 'Delayed Mail (still being retried)',
  success: 'Successful Mail Delivery Report',
};

const postmasterLines = [
  'For further assistance, please send mail to postmaster.',
  '',
  'If you do so, please include this problem report. You can',
  'delete your own text from the attached returned message.',
  '',
];

export function noticeText(kind: NoticeKind, facts: TextFacts): string[] {
  const opening = [`This is the mail system at host ${facts.hostname}.`, ''];
  const signature = '                   The mail system';
  return [...opening, ...body(kind, facts), signature];
}

function body(kind: NoticeKind, facts: TextFacts): string[] {
  switch (kind) {
    case 'failure':
      return [
        "I'm sorry to have to inform you that your message could not",
        "be delivered to one or more recipients. It's attached below.",
        '',
        ...postmasterLines,
      ];
    case 'delay':
      return [
        '####################################################################',
        '# THIS IS A WARNING ONLY.  YOU DO NOT NEED TO RESEND YOUR MESSAGE. #',
        '####################################################################',
        '',
        `Your message could not be delivered for more than ${Math.floor(facts.delayWarningSeconds / 3600)} hour(s).`,
        `It will be retried until it is ${Math.floor(facts.lifetimeSeconds / 86400)} day(s) old.`,
        '',
        ...postmasterLines,
      ];
    case 'success':
      return [
        'Your message was successfully delivered to the destination(s)',
        'listed below. If the message was delivered to mailbox you will',
        'receive no further notifications. Otherwise you may still receive',
        'notifications of mail delivery errors from other systems.',
        '',
      ];
  }
}
