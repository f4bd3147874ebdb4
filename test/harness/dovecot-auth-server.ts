// A server of Dovecot's authentication protocol (version 1.2) on a Unix socket, as smtpd_sasl_type = dovecot asks
// one: PLAIN and LOGIN-free, every user's password is `secret`. Without one Postfix refuses all SASL restrictions.

import { chmodSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';

const greeting =
  'VERSION\t1\t2\nMECH\tPLAIN\tplaintext\nSPID\t1\nCUID\t1\nCOOKIE\t0123456789abcdef0123456789abcdef\nDONE\n';

export async function startDovecotAuthServer(path: string): Promise<Server> {
  rmSync(path, { force: true });
  const server = createServer((socket) => {
    let rest = '';
    socket.on('error', () => socket.destroy());
    socket.write(greeting);
    socket.on('data', (chunk) => {
      const lines = (rest + chunk.toString('utf8')).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const answer = answerTo(line);
        if (answer !== undefined) socket.write(answer);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  chmodSync(path, 0o666);
  return server;
}

function answerTo(line: string): string | undefined {
  const [command, id, ...parameters] = line.split('\t');
  if (command !== 'AUTH') return undefined;
  const response = parameters.find((one) => one.startsWith('resp='))?.slice(5) ?? '';
  const [, user = '', password] = Buffer.from(response, 'base64').toString('utf8').split('\0');
  return password === 'secret' ? `OK\t${id}\tuser=${user}\n` : `FAIL\t${id}\tuser=${user}\n`;
}
