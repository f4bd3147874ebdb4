// One SMTP conversation under TLS, as short as a message needs: what the server said, and what the handshake showed.

import { connect as connectPlain, type Socket } from 'node:net';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';

export interface Conversation {
  /** Replies after the handshake; the last line of each. */
  readonly replies: readonly string[];
  /** Common name of the server's certificate. */
  readonly served: string;
}

export interface ConversationOptions {
  readonly port: number;
  readonly tls?: ConnectionOptions;
  /** TLS from the first octet. */
  readonly isWrapped?: boolean;
  readonly recipient?: string;
  /** The X-Case field of the message. */
  readonly mark?: string;
}

export async function converse(options: ConversationOptions): Promise<Conversation> {
  const { port, recipient = 'ann@example.com', mark = 'none' } = options;
  const plain = connectPlain(port, '127.0.0.1');
  plain.on('error', () => undefined);
  if (!options.isWrapped) {
    await exchange(plain);
    await exchange(plain, 'EHLO client.example\r\n');
    await exchange(plain, 'STARTTLS\r\n');
  }
  const secure = await shakeHands(plain, options.tls ?? {});
  const replies: string[] = [];
  const say = async (line: string): Promise<boolean> => {
    const reply = await exchange(secure, line);
    replies.push(reply);
    return /^[23]/.test(reply);
  };
  const message = `X-Case: ${mark}\r\nSubject: x\r\n\r\nx\r\n.\r\n`;
  const steps = ['EHLO client.example\r\n', 'MAIL FROM:<a@client.example>\r\n', `RCPT TO:<${recipient}>\r\n`];
  let goesOn = !options.isWrapped || (await say(''));
  for (const step of [...steps, 'DATA\r\n', message]) goesOn &&= await say(step);
  const served = secure.getPeerCertificate().subject?.CN;
  secure.end('QUIT\r\n');
  return { replies, served: Array.isArray(served) ? (served[0] ?? '') : (served ?? '') };
}

function shakeHands(plain: Socket, options: ConnectionOptions): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const secure = connect({ socket: plain, rejectUnauthorized: false, ...options }, () => resolve(secure));
    secure.on('error', reject);
    secure.on('close', () => reject(new Error('closed during the handshake')));
  });
}

/** Sends, and gives the last line of the reply; `closed` where there is none. */
function exchange(socket: Socket, line = ''): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    const settle = (reply: string) => {
      socket.off('data', onData).off('close', onClose);
      resolve(reply);
    };
    const onClose = () => settle('closed');
    const onData = (chunk: Buffer) => {
      text += chunk.toString();
      const last = /^(\d{3} .*)\r\n$/m.exec(text)?.[1];
      if (last !== undefined) settle(last);
    };
    socket.on('data', onData).on('close', onClose);
    if (socket.destroyed) settle('closed');
    else if (line !== '') socket.write(line);
  });
}
