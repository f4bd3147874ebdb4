// What a line of the mail log says of a message, in Postfix's words: which step it is, and how it went.

import type { IconName } from '../parts/icon.tsx';

export type StepKind = keyof typeof stepIcons;

export const stepIcons = {
  connect: 'download',
  tls: 'lock',
  'login-failed': 'key',
  client: 'account',
  messageId: 'account',
  subject: 'account',
  rejected: 'wrong',
  warned: 'warning',
  filter: 'filter',
  queued: 'queue',
  delivered: 'done',
  deferred: 'wait',
  bounced: 'bounce',
  notice: 'send',
  held: 'hold',
  released: 'send',
  requeued: 'explain',
  expired: 'bounce',
  removed: 'done',
  disconnect: 'download',
  lost: 'wrong',
  warning: 'warning',
  other: 'trace',
} as const satisfies Readonly<Record<string, IconName>>;

/** The first that fits holds. */
const rules: readonly (readonly [RegExp, StepKind, color: string])[] = [
  [/status=sent\b/, 'delivered', 'green'],
  [/status=deferred\b/, 'deferred', 'orange'],
  [/status=(?:bounced|(?:force-)?expired)\b/, 'bounced', 'red'],
  [/^sender (?:non-delivery|delay|delivery status) notification: /, 'notice', 'orange'],
  [/^connect(?:ion)? from /, 'connect', 'gray'],
  [/^disconnect from /, 'disconnect', 'gray'],
  [/^(?:lost connection|timeout) after /, 'lost', 'orange'],
  [/TLS connection (?:established|reused)/, 'tls', 'blue'],
  [/authentication failed/, 'login-failed', 'red'],
  [/^(?:NOQUEUE: )?milter-/, 'filter', 'grape'],
  [/^(?:NOQUEUE: )?reject: /, 'rejected', 'red'],
  [/^(?:NOQUEUE: )?hold: |^placed on hold$/, 'held', 'grape'],
  [/^(?:NOQUEUE: )?(?:warn|info|discard|redirect|filter|prepend|bcc|replace|strip): /, 'warned', 'orange'],
  [/^client=/, 'client', 'blue'],
  [/^uid=\d+ from=/, 'client', 'blue'],
  [/^(?:resent-)?message-id=/, 'messageId', 'blue'],
  [/^subject=/, 'subject', 'blue'],
  [/^from=<.*>, size=\d+.*queue active/, 'queued', 'blue'],
  [/^released from hold$/, 'released', 'blue'],
  [/^requeued$/, 'requeued', 'blue'],
  [/^expired$/, 'expired', 'orange'],
  [/^removed$/, 'removed', 'gray'],
];

/** `text` without its queue id. */
export function describeStep(text: string, level: string): { readonly kind: StepKind; readonly color: string } {
  for (const [pattern, kind, color] of rules) if (pattern.test(text)) return { kind, color };
  return level === 'info' ? { kind: 'other', color: 'gray' } : { kind: 'warning', color: 'orange' };
}
