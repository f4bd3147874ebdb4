// An enhanced status code that somebody wrote for one thing and that is given for another: smtpd(8) mends it, so that a
// sender is never called a bad destination.

/** Address statuses (x.1.y) that fit what is refused: a sender is not a bad destination (RFC 3463 §3.2). */
const senderStatus: Readonly<Record<string, string>> = {
  '1': '7',
  '2': '8',
  '3': '7',
  '4': '7',
  '6': '7',
  '7': '7',
  '8': '8',
};
const recipientStatus: Readonly<Record<string, string>> = {
  '1': '1',
  '2': '2',
  '3': '3',
  '4': '4',
  '5': '5',
  '6': '6',
  '7': '3',
  '8': '2',
};

/** `kind` is what is refused; anything but an address has no address status. */
export function fitStatus(status: string, kind: string): string {
  const match = /^(\d)\.1\.(\d+)$/.exec(status);
  if (match === null) return status;
  const [, digit = '5', detail = '0'] = match;
  if (kind === 'sender') return `${digit}.1.${senderStatus[detail] ?? '0'}`;
  return kind === 'recipient' ? `${digit}.1.${recipientStatus[detail] ?? '0'}` : `${digit}.0.0`;
}
