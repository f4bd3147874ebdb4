// Who wants to hear of what (RFC 3461 §4.1): NOTIFY as the client gave it. Without NOTIFY a sender hears of failures
// and of delays; NEVER is never answered.

export type NoticeKind = 'failure' | 'delay' | 'success';

const keywords: Readonly<Record<NoticeKind, string>> = { failure: 'FAILURE', delay: 'DELAY', success: 'SUCCESS' };

export function wantsNotice(notify: string, kind: NoticeKind): boolean {
  if (notify === '') return kind !== 'success';
  return notify.toUpperCase().split(',').includes(keywords[kind]);
}
