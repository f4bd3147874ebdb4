// The queue as postqueue(1) -p and -j print it, character for character: `*` is active, `!` on hold, `#` expired by force;
// reasons in brackets before those whom they concern. Queue ids are always long ones here, and the columns as with
// enable_long_queue_ids.

import type { ListedMessage } from './queue-store.ts';

export const listingTitle = '----Queue ID----- --Size-- ---Arrival Time---- --Sender/Recipient------';

/** Where reasons end. */
const reasonColumns = 76;
const recipientIndent = ' '.repeat(47);

export function formatMessage({ queue, id, isExpired, size, arrival, sender, recipients }: ListedMessage): string[] {
  const mark = `${queue === 'active' ? '*' : queue === 'hold' ? '!' : ''}${isExpired ? '#' : ''}`;
  const name = `${id}${mark}`.padEnd(17);
  const lines = [`${name} ${String(size).padStart(8)} ${formatArrival(arrival)} ${senderName(sender)}`];
  let shown = '';
  for (const { recipient, reason } of recipients) {
    if (reason !== '' && reason !== shown) {
      lines.push(`${' '.repeat(Math.max(0, reasonColumns - reason.length))}(${reason})`);
      shown = reason;
    }
    lines.push(`${recipientIndent}${recipient}`);
  }
  return [...lines, ''];
}

export function listingEnd(messages: number, bytes: number): string {
  if (messages === 0) return 'Mail queue is empty';
  return `-- ${Math.floor(bytes / 1024)} Kbytes in ${messages} Request${messages === 1 ? '' : 's'}.`;
}

/** A line of postqueue -j: exactly its members. */
export function formatJson({ queue, id, arrival, size, isExpired, sender, recipients }: ListedMessage): string {
  const people = recipients.map(({ recipient, reason }) => {
    const delay = reason === '' ? '' : `, "delay_reason": ${JSON.stringify(reason)}`;
    return `{"address": ${JSON.stringify(recipient)}${delay}}`;
  });
  return (
    `{"queue_name": "${queue}", "queue_id": "${id}", "arrival_time": ${Math.floor(arrival / 1000)}, ` +
    `"message_size": ${size}, "forced_expire": ${isExpired}, "sender": ${JSON.stringify(senderName(sender))}, ` +
    `"recipients": [${people.join(', ')}]}`
  );
}

function senderName(sender: string): string {
  return sender === '' ? 'MAILER-DAEMON' : sender;
}

/** `Sat Nov 21 12:00:18`, local time, as ctime(3). */
function formatArrival(milliseconds: number): string {
  const date = new Date(milliseconds);
  const day = date
    .toDateString()
    .slice(0, 10)
    .replace(/ 0(\d)$/, '  $1');
  return `${day} ${date.toTimeString().slice(0, 8)}`;
}
