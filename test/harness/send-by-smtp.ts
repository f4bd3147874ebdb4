// A message to a server, as a stranger's program sends it; the replies, so that a test sees what was refused.

import { type SmtpReply, SmtpConnection } from './smtp-connection.ts';

export interface SentMessage {
  readonly from: string;
  readonly to: readonly string[];
  readonly subject: string;
  readonly helo?: string;
  readonly messageId?: string;
  /** The client's address, for a server that believes XCLIENT. */
  readonly xclient?: string;
}

/** Ends when the server has answered the last line. */
export async function sendBySmtp(port: number, message: SentMessage): Promise<readonly SmtpReply[]> {
  const { from, to, subject, helo = 'client.example.net', messageId = `<${Math.random()}@example.net>` } = message;
  const connection = await SmtpConnection.open(port);
  const replies: SmtpReply[] = [];
  const ask = async (line: string): Promise<SmtpReply> => {
    connection.send(`${line}\r\n`);
    const reply = await connection.reply();
    replies.push(reply);
    return reply;
  };
  await ask(`EHLO ${helo}`);
  if (message.xclient !== undefined) {
    await ask(`XCLIENT ADDR=${message.xclient} NAME=bad.example.net`);
    await ask(`EHLO ${helo}`);
  }
  await ask(`MAIL FROM:<${from}>`);
  for (const one of to) await ask(`RCPT TO:<${one}>`);
  if ((await ask('DATA')).code === 354) {
    const header = [`From: ${from}`, `To: ${to.join(', ')}`, `Subject: ${subject}`, `Message-ID: ${messageId}`];
    await ask([...header, '', 'Hello.', '.'].join('\r\n'));
  }
  await ask('QUIT');
  return replies;
}
