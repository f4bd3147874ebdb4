// A message to a server, as a stranger's program sends it; the replies, so that a test sees what was refused.

import { createConnection } from 'node:net';

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
export async function sendBySmtp(port: number, message: SentMessage): Promise<readonly string[]> {
  const { from, to, subject, helo = 'client.example.net', messageId = `<${Math.random()}@example.net>` } = message;
  const replies: string[] = [];
  const socket = createConnection(port, '127.0.0.1');
  socket.setEncoding('utf8');
  let buffer = '';
  let answered = Promise.withResolvers<string>();
  socket.on('data', (text: string) => {
    buffer += text;
    const whole = /^(?:\d{3}-.*\r\n)*\d{3} .*\r\n/.exec(buffer)?.[0];
    if (whole === undefined) return;
    buffer = buffer.slice(whole.length);
    answered.resolve(whole.trim());
  });
  const end = (): void => answered.resolve('');
  socket.on('close', end);
  socket.on('error', end);
  const ask = async (line?: string): Promise<string> => {
    if (line !== undefined) {
      answered = Promise.withResolvers<string>();
      socket.write(`${line}\r\n`);
    }
    const reply = await answered.promise;
    replies.push(reply);
    return reply;
  };
  await ask();
  await ask(`EHLO ${helo}`);
  if (message.xclient !== undefined) {
    await ask(`XCLIENT ADDR=${message.xclient} NAME=bad.example.net`);
    await ask(`EHLO ${helo}`);
  }
  await ask(`MAIL FROM:<${from}>`);
  for (const one of to) await ask(`RCPT TO:<${one}>`);
  if ((await ask('DATA')).startsWith('354')) {
    await ask(
      `From: ${from}\r\nTo: ${to.join(', ')}\r\nSubject: ${subject}\r\nMessage-ID: ${messageId}\r\n\r\nHello.\r\n.`,
    );
  }
  await ask('QUIT');
  socket.destroy();
  return replies;
}
